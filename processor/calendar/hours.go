package calendar

import "time"

// hours is what a configuration says, ready to be laid out over any stretch of
// time: inline hours or the schedules of a group.
type hours struct {
	loc      *time.Location
	weekly   [7][]window // by time.Weekday
	holidays []int64     // day numbers
	closed   []span      // real time

	openSchedules, closedSchedules, holidaySchedules []*schedule
}

// window is a span of wall time from local midnight on, in milliseconds; one
// over midnight ends after 24 h.
type window = span

// layers are the spans of a stretch of time: a holiday beats closed, closed
// beats open, and nothing is closed. They may overlap and reach beyond it.
type layers struct{ open, closed, holiday []span }

func (h *hours) layers(from, to int64) layers {
	clock := newWallClock(h.loc, from, to)
	first, last := dayOf(clock.wallOf(from))-2, dayOf(clock.wallOf(to))+1
	l := layers{closed: append([]span(nil), h.closed...)}
	for day := first; day <= last; day++ {
		for _, w := range h.weekly[weekday(day)] {
			l.open = append(l.open, clock.span(day*msPerDay, w))
		}
	}
	for _, day := range h.holidays {
		if first <= day && day <= last {
			l.holiday = append(l.holiday, clock.span(day*msPerDay, window{0, msPerDay}))
		}
	}
	for _, list := range []struct {
		schedules []*schedule
		spans     *[]span
	}{{h.openSchedules, &l.open}, {h.closedSchedules, &l.closed}, {h.holidaySchedules, &l.holiday}} {
		for _, s := range list.schedules {
			*list.spans = s.spans(*list.spans, clock, from, to)
		}
	}
	return l
}

// span returns the real time of a window, counted from the given wall time. It
// is empty, even inverted, if a change of offset swallows it.
func (w wallClock) span(base int64, win window) span {
	return span{w.instant(base + win.from), w.instant(base + win.to)}
}
