package calendar

import (
	"fmt"
	"time"
	_ "time/tzdata" // zones are known on machines that have none installed
)

// reach is more than any zone is away from UTC, and than any zone has skipped.
const reach = 2 * msPerDay

// loadZone is time.LoadLocation without the names that mean another zone on
// another machine.
func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return nil, fmt.Errorf("is missing: write an IANA zone such as Europe/Berlin")
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("unknown zone %q: write an IANA zone such as Europe/Berlin", name)
	}
	return loc, nil
}

// wallClock turns wall times of one zone into instants. A wall time is the
// milliseconds from 1970-01-01T00:00 to it on a clock without a zone.
type wallClock struct{ eras []era }

// era is a stretch of constant offset: wall time = instant + offset.
type era struct{ from, to, offset int64 }

// newWallClock covers the instants of [from, to) and the wall times they show.
func newWallClock(loc *time.Location, from, to int64) wallClock {
	var w wallClock
	for t := time.UnixMilli(from - reach).In(loc); ; {
		start, end := t.ZoneBounds()
		_, offset := t.Zone()
		e := era{from - 2*reach, to + 2*reach, int64(offset) * 1000}
		if len(w.eras) > 0 {
			e.from = start.UnixMilli()
		}
		if end.IsZero() || end.UnixMilli() >= to+reach {
			w.eras = append(w.eras, e)
			return w
		}
		e.to = end.UnixMilli()
		w.eras = append(w.eras, e)
		t = end
	}
}

// instant returns when the wall time is: the first time if it happens twice,
// moved forward by the gap if it does not happen.
func (w wallClock) instant(wall int64) int64 {
	for i, e := range w.eras {
		t := wall - e.offset
		if t < e.to || i == len(w.eras)-1 {
			return t
		}
		if next := w.eras[i+1]; wall-next.offset < next.from {
			return t // in the gap between the two: the offset before it
		}
	}
	return wall
}

// wallOf returns the wall time that the instant shows.
func (w wallClock) wallOf(t int64) int64 {
	for _, e := range w.eras {
		if t < e.to {
			return t + e.offset
		}
	}
	return t + w.eras[len(w.eras)-1].offset
}

// dayOf returns the number of the day of a wall time; day 0 is 1970-01-01.
func dayOf(wall int64) int64 {
	day := wall / msPerDay
	if wall%msPerDay < 0 {
		day--
	}
	return day
}

// weekday of a day number.
func weekday(day int64) time.Weekday { return time.Weekday(((day+4)%7 + 7) % 7) }
