package calendar

import (
	"math"
	"time"

	"github.com/teambition/rrule-go"
)

// untilLimit is the UNTIL of a rule, itself still included. A local one is a
// wall time, a date its last millisecond; one in UTC is an instant, which needs
// the zone to compare.
type untilLimit struct {
	wall    int64 // nothing later than this
	utc     bool
	instant int64
	clock   wallClock // around the instant
}

func newUntilLimit(text string, loc *time.Location) untilLimit {
	switch len(text) {
	case len(rrule.DateFormat):
		t, _ := time.Parse(rrule.DateFormat, text)
		return untilLimit{wall: t.UnixMilli() + msPerDay - 1}
	case len(rrule.LocalDateTimeFormat):
		t, _ := time.Parse(rrule.LocalDateTimeFormat, text)
		return untilLimit{wall: t.UnixMilli()}
	case len(rrule.DateTimeFormat):
		t, _ := time.Parse(rrule.DateTimeFormat, text)
		l := untilLimit{utc: true, instant: t.UnixMilli()}
		l.clock = newWallClock(loc, l.instant, l.instant)
		l.wall = l.clock.wallOf(l.instant) + msPerDay
		return l
	}
	return untilLimit{wall: math.MaxInt64}
}

// allows reports whether an occurrence at the wall time is early enough.
func (l *untilLimit) allows(wall int64) bool {
	if !l.utc || wall < l.wall-2*msPerDay {
		return wall <= l.wall
	}
	return l.clock.instant(wall) <= l.instant
}
