package calendar

import (
	"sync"
	"sync/atomic"
)

const (
	msPerMinute = int64(60_000)
	msPerHour   = 60 * msPerMinute
	msPerDay    = 24 * msPerHour

	// fiveYears is how long a calendar may stay shut before it counts as never
	// opening again (SLA.md section 4): the longest five calendar years.
	fiveYears = 1827 * msPerDay
)

// Calendar says which instants are open. All instants are milliseconds since
// the Unix epoch, all durations milliseconds; intervals are half-open. Outside
// 1970 to 2109 every calendar but Always is closed.
//
// A Calendar is safe for concurrent use and meant to be shared by everything
// that counts in its hours: it remembers what it worked out, a page of 398 days
// at a time.
type Calendar struct {
	hours *hours // nil: always open
	mu    sync.Mutex
	pages [pageCount]atomic.Pointer[page]
}

var always = &Calendar{}

// Always returns the calendar that counts every second.
func Always() *Calendar { return always }

// Elapsed returns the open time in [a, b) in milliseconds, 0 if b <= a.
func (c *Calendar) Elapsed(a, b int64) int64 {
	if b <= a {
		return 0
	}
	if c.hours == nil {
		return b - a
	}
	a, b = clampInstant(a), clampInstant(b)
	first, last := pageOf(a), pageOf(b)
	sum := c.page(last).before(b) - c.page(first).before(a)
	for i := first; i < last; i++ {
		sum += c.page(i).total
	}
	return sum
}

// Add returns the earliest instant x >= t with Elapsed(t, x) = d: t itself if d
// is 0 (or less), and closing time if the budget runs out just then. It reports
// false if, from t or from any closing time on the way, the calendar does not
// open for five years.
func (c *Calendar) Add(t, d int64) (int64, bool) {
	if d <= 0 {
		return t, true
	}
	if c.hours == nil {
		return t + d, t+d > t
	}
	shut := t // since when nothing has been open
	for i := pageOf(clampInstant(t)); i < pageCount; i++ {
		p := c.page(i)
		if p.opens()-shut >= fiveYears {
			break
		}
		left := p.total - p.before(t)
		if d <= left {
			return p.at(p.total - left + d), true
		}
		d -= left
		shut = max(shut, p.closes())
	}
	return 0, false
}

// OpensWithin reports whether the calendar is open at any time in the five
// years from t on. A calendar that is not has no due time; lint refuses it.
func (c *Calendar) OpensWithin(t int64) bool {
	_, ok := c.Add(t, 1)
	return ok
}

// page returns the i-th page, working it out at the first call.
func (c *Calendar) page(i int) *page {
	if p := c.pages[i].Load(); p != nil {
		return p
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.pages[i].Load(); p != nil {
		return p
	}
	p := buildPage(c.hours, i)
	c.pages[i].Store(p)
	return p
}
