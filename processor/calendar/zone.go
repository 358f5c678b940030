package calendar

import (
	"errors"
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
		return nil, errors.New("is missing: write an IANA zone such as Europe/Berlin")
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

// era is a stretch of constant offset, until the next one begins: wall time =
// instant + offset.
type era struct{ from, offset int64 }

// stride is shorter than any zone has ever kept an offset.
const stride = msPerDay / 2

// newWallClock covers the instants of [from, to) and the wall times they show.
// It looks for changes itself: Time.ZoneBounds answers with an end that lies
// before the instant on the last day of leap years from 2040 on
// (golang/go#81583), and does not tell changes of offset from other ones.
func newWallClock(loc *time.Location, from, to int64) wallClock {
	t := from - reach
	w := wallClock{eras: []era{{t, offsetAt(loc, t)}}}
	for ; t < to+reach; t += stride {
		offset := offsetAt(loc, t+stride)
		if offset != w.eras[len(w.eras)-1].offset {
			w.eras = append(w.eras, era{firstWith(loc, offset, t, t+stride), offset})
		}
	}
	return w
}

// firstWith returns the first instant in (from, to] that has the offset of to.
func firstWith(loc *time.Location, offset, from, to int64) int64 {
	for to-from > 1 {
		if middle := (from + to) / 2; offsetAt(loc, middle) == offset {
			to = middle
		} else {
			from = middle
		}
	}
	return to
}

func offsetAt(loc *time.Location, t int64) int64 {
	_, seconds := time.UnixMilli(t).In(loc).Zone()
	return int64(seconds) * 1000
}

// instant returns when the wall time is: the first time if it happens twice,
// moved forward by the gap if it does not happen.
func (w wallClock) instant(wall int64) int64 {
	for i, e := range w.eras[:len(w.eras)-1] {
		t, next := wall-e.offset, w.eras[i+1]
		if t < next.from {
			return t
		}
		if wall-next.offset < next.from {
			return t // in the gap between the two: the offset before it
		}
	}
	return wall - w.eras[len(w.eras)-1].offset
}

// wallOf returns the wall time that the instant shows.
func (w wallClock) wallOf(t int64) int64 {
	i := len(w.eras) - 1
	for i > 0 && t < w.eras[i].from {
		i--
	}
	return t + w.eras[i].offset
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
