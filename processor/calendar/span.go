package calendar

import (
	"cmp"
	"slices"
)

// span is the half-open stretch [from, to).
type span struct{ from, to int64 }

// clip cuts spans to [from, to), dropping what is empty. It reuses the slice.
func clip(spans []span, from, to int64) []span {
	kept := spans[:0]
	for _, s := range spans {
		if s = (span{max(s.from, from), min(s.to, to)}); s.from < s.to {
			kept = append(kept, s)
		}
	}
	return kept
}

// merge sorts spans and joins those that overlap or touch. It reuses the slice.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	merged := spans[:0]
	for _, s := range spans {
		if n := len(merged); n > 0 && s.from <= merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, s.to)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// subtract returns what of a is not in b; both merged.
func subtract(a, b []span) []span {
	var left []span
	for _, s := range a {
		for len(b) > 0 && b[0].to <= s.from {
			b = b[1:]
		}
		for _, cut := range b {
			if cut.from >= s.to {
				break
			}
			if s.from < cut.from {
				left = append(left, span{s.from, cut.from})
			}
			s.from = cut.to
		}
		if s.from < s.to {
			left = append(left, s)
		}
	}
	return left
}
