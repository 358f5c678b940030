package notify

import (
	"slices"
	"time"
)

const (
	// firstDigest is how long a digest waits for more to come.
	firstDigest = time.Second
	// digestGap is the least time between two updates of a digest in place. Where
	// it cannot be updated it is told again, no more often than Within.
	digestGap = 5 * time.Second
	// maxDigests is how many digests of the past are kept up to date.
	maxDigests = 8
)

// storm notices when alerts for one destination pile up, and gathers them.
type storm struct {
	recent    []time.Time // when the last alerts were told or gathered
	gathering []item
	due       time.Time // of the digest; zero: nothing is gathered
	toldAt    time.Time
	digests   []*bundle // newest last
}

// note counts an alert.
func (s *storm) note(now time.Time) {
	if len(s.recent) >= maxAbove {
		s.recent = append(s.recent[:0], s.recent[len(s.recent)-maxAbove+1:]...)
	}
	s.recent = append(s.recent, now)
}

// rages says whether one more alert now would be more than above within a time.
func (s *storm) rages(above int, within time.Duration, now time.Time) bool {
	n := len(s.recent)
	return above > 0 && n >= above && now.Sub(s.recent[n-above]) < within
}

// gather keeps an entry for the next digest, which is told gap after the last.
func (s *storm) gather(i item, now time.Time, gap time.Duration) {
	s.gathering = append(s.gathering, i)
	if s.due.IsZero() {
		s.due = now.Add(firstDigest)
		if next := s.toldAt.Add(gap); !s.toldAt.IsZero() && next.After(s.due) {
			s.due = next
		}
	}
}

func (s *storm) tellAt() (time.Time, bool) { return s.due, !s.due.IsZero() }

// find returns a digest that is kept up to date; nil if it is not.
func (s *storm) find(key string) *bundle {
	i := slices.IndexFunc(s.digests, func(d *bundle) bool { return d.key == key })
	if key == "" || i < 0 {
		return nil
	}
	return s.digests[i]
}

// current returns the digest that a new alert joins, a new one unless the last was
// told within a time.
func (s *storm) current(now time.Time, within time.Duration) *bundle {
	if n := len(s.digests); n > 0 && now.Sub(s.toldAt) < max(within, 2*digestGap) {
		return s.digests[n-1]
	}
	return newBundle()
}

// told keeps a digest that was told, and what was gathered and not in it.
func (s *storm) told(d *bundle, rest []item, now time.Time) {
	if s.find(d.key) == nil {
		s.digests = append(s.digests, d)
	} else {
		s.digests[slices.IndexFunc(s.digests, func(o *bundle) bool { return o.key == d.key })] = d
	}
	if len(s.digests) > maxDigests {
		s.digests = slices.Delete(s.digests, 0, 1)
	}
	s.gathering, s.due, s.toldAt = rest, time.Time{}, now
	if len(rest) > 0 {
		s.due = now.Add(firstDigest)
	}
}
