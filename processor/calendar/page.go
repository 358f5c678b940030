package calendar

import "math"

// Time is cut into pages of 2^35 ms (398 days), so that an instant finds its
// page by a shift and a year that nobody asks about costs nothing.
const (
	pageBits  = 35
	pageCount = 128
	lastMilli = int64(pageCount)<<pageBits - 1 // in May 2109
)

func pageOf(t int64) int { return int(t >> pageBits) }

func clampInstant(t int64) int64 { return min(max(t, 0), lastMilli) }

// page is the index of one stretch of time. It never changes once built.
type page struct {
	from, to int64
	open     []indexed // in order, neither touching nor overlapping
	total    int64     // open milliseconds of the whole page
	holidays []span    // in order, likewise
}

// indexed is an open span with the open time of the page before it.
type indexed struct {
	span
	sum int64
}

func buildPage(h *hours, i int) *page {
	p := &page{from: int64(i) << pageBits, to: int64(i+1) << pageBits}
	l := h.layers(p.from, p.to)
	p.holidays = merge(clip(l.holiday, p.from, p.to))
	open := subtract(merge(clip(l.open, p.from, p.to)), merge(append(clip(l.closed, p.from, p.to), p.holidays...)))
	p.open = make([]indexed, len(open))
	for i, s := range open {
		p.open[i] = indexed{s, p.total}
		p.total += s.to - s.from
	}
	return p
}

// before returns the open time of the page before t.
func (p *page) before(t int64) int64 {
	lo, hi := 0, len(p.open) // spans below lo open before t
	for lo < hi {
		if mid := (lo + hi) / 2; p.open[mid].from < t {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return 0
	}
	s := &p.open[lo-1]
	return s.sum + min(t, s.to) - s.from
}

// at returns the earliest instant before which the page is open for sum
// milliseconds; 0 < sum <= total.
func (p *page) at(sum int64) int64 {
	lo, hi := 0, len(p.open) // spans below lo begin with less than sum counted
	for lo < hi {
		if mid := (lo + hi) / 2; p.open[mid].sum < sum {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	s := &p.open[lo-1]
	return s.from + sum - s.sum
}

// opens returns the start of the page's first open span, or its end.
func (p *page) opens() int64 {
	if len(p.open) == 0 {
		return p.to
	}
	return p.open[0].from
}

// closes returns the end of the page's last open span; an empty page closes
// before everything.
func (p *page) closes() int64 {
	if len(p.open) == 0 {
		return math.MinInt64
	}
	return p.open[len(p.open)-1].to
}
