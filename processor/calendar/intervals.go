package calendar

// State is what a calendar says about a stretch of time.
type State uint8

// The states: a holiday is closed too, and wins where both apply.
const (
	Closed State = iota
	Holiday
	Open
)

// String returns closed, holiday or open.
func (s State) String() string { return [...]string{"closed", "holiday", "open"}[s] }

// Interval is the half-open stretch [From, To) in one state, in milliseconds
// since the Unix epoch.
type Interval struct {
	From, To int64
	State    State
}

// Intervals cuts [a, b) by state, in order and without gaps; neighbours differ.
// It is empty if b <= a.
func (c *Calendar) Intervals(a, b int64) []Interval {
	if b <= a {
		return nil
	}
	l := intervalList{at: a, end: b}
	if c.hours == nil {
		l.until(b, Open)
		return l.out
	}
	for i := pageOf(clampInstant(a)); i <= pageOf(clampInstant(b)); i++ {
		c.page(i).list(&l)
	}
	l.until(b, Closed)
	return l.out
}

// list appends the page's open spans and holidays in order of time; they do
// not overlap.
func (p *page) list(l *intervalList) {
	holidays := p.holidays
	for _, s := range p.open {
		for len(holidays) > 0 && holidays[0].from < s.from {
			l.span(holidays[0], Holiday)
			holidays = holidays[1:]
		}
		l.span(s.span, Open)
	}
	for _, s := range holidays {
		l.span(s, Holiday)
	}
}

// intervalList grows from a to b; what is not said in between is closed.
type intervalList struct {
	at, end int64
	out     []Interval
}

func (l *intervalList) span(s span, state State) {
	l.until(s.from, Closed)
	l.until(s.to, state)
}

// until says that the state lasts from where the list ends to t.
func (l *intervalList) until(t int64, state State) {
	if t = min(t, l.end); t <= l.at {
		return
	}
	if n := len(l.out); n > 0 && l.out[n-1].State == state {
		l.out[n-1].To = t
	} else {
		l.out = append(l.out, Interval{l.at, t, state})
	}
	l.at = t
}
