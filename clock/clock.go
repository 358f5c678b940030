// Package clock tells the time to everything that produces records or waits, so
// that a demo can let four hours pass in seconds.
//
// Reads: a file of a simulated time, where a process follows one.
// Writes: the same file, where a process leads it.
package clock

import "time"

// Clock is a time that starts at an instant and passes Speed times as fast as
// the wall clock, or as a [Lead] says. It is safe for concurrent use.
type Clock struct {
	start time.Time
	wall  time.Time
	speed float64
	lead  interface{ now() (time.Time, float64) }
}

// Real returns the wall clock.
func Real() Clock { return Clock{speed: 1} }

// Scaled returns a clock that shows start now and passes speed times as fast as
// the wall clock.
func Scaled(start time.Time, speed float64) Clock {
	return Clock{start: start, wall: time.Now(), speed: speed}
}

// Now returns the clock's time.
func (c Clock) Now() time.Time {
	switch {
	case c.lead != nil:
		now, _ := c.lead.now()
		return now
	case c.wall.IsZero():
		return time.Now()
	}
	return c.start.Add(time.Duration(float64(time.Since(c.wall)) * c.speed))
}

// Wall returns how long the wall clock takes until d has passed on this one; on
// one that is led, how long at least.
func (c Clock) Wall(d time.Duration) time.Duration {
	speed := c.speed
	if c.lead != nil {
		_, speed = c.lead.now()
	}
	return time.Duration(float64(d) / speed)
}
