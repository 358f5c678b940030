package calendar

import "github.com/teambition/rrule-go"

// dayTimes holds the parts of a rule that choose times of a day. A rule repeats
// in units: hours, minutes, seconds, or whole days for all other frequencies.
// The units that count are every interval-th; within each, the same times.
type dayTimes struct {
	unit      int64   // milliseconds
	interval  int64   // in units; 1 if the frequency is coarser than a day
	startUnit int64   // number of the start's unit since 1970
	inUnit    []int64 // milliseconds into the unit, in order

	hours, minutes, seconds []int     // that a unit may begin in
	allowed                 [3]uint64 // the same as bits
	candidates              int64     // how many units of a day these allow
}

func newDayTimes(r rule, start int64) dayTimes {
	ms := start - dayOf(start)*msPerDay
	startHour, startMinute, startSecond := int(ms/msPerHour), int(ms/msPerMinute%60), int(ms/1000%60)
	hours, minutes, seconds := r.Byhour, r.Byminute, r.Bysecond
	d := dayTimes{unit: msPerDay, interval: 1, hours: []int{0}, minutes: []int{0}, seconds: []int{0}}
	if r.Freq >= rrule.DAILY {
		d.interval = int64(r.Interval)
	}
	if r.Freq >= rrule.HOURLY {
		d.unit, d.hours, hours = msPerHour, orAll(hours, 24), []int{0}
	} else if len(hours) == 0 {
		hours = []int{startHour}
	}
	if r.Freq >= rrule.MINUTELY {
		d.unit, d.minutes, minutes = msPerMinute, orAll(minutes, 60), []int{0}
	} else if len(minutes) == 0 {
		minutes = []int{startMinute}
	}
	if r.Freq >= rrule.SECONDLY {
		d.unit, d.seconds, seconds = 1000, orAll(seconds, 60), []int{0}
	} else if len(seconds) == 0 {
		seconds = []int{startSecond}
	}
	d.startUnit = (dayOf(start)*msPerDay + ms/d.unit*d.unit) / d.unit
	d.allowed = [3]uint64{bits(d.hours), bits(d.minutes), bits(d.seconds)}
	d.candidates = int64(len(d.hours) * len(d.minutes) * len(d.seconds))
	for _, h := range hours {
		for _, m := range minutes {
			for _, s := range seconds {
				d.inUnit = append(d.inUnit, clockTime(h, m, s)+ms%1000)
			}
		}
	}
	if r.Freq >= rrule.DAILY && len(r.Bysetpos) > 0 {
		d.keep(positions(r.Bysetpos, len(d.inUnit)))
	}
	return d
}

// orAll returns the list, or 0 to n-1 if it is empty.
func orAll(list []int, n int) []int {
	if len(list) > 0 {
		return list
	}
	for i := range n {
		list = append(list, i)
	}
	return list
}

func clockTime(hour, minute, second int) int64 {
	return int64(hour)*msPerHour + int64(minute)*msPerMinute + int64(second)*1000
}

func (d *dayTimes) keep(indexes []int) {
	kept := make([]int64, 0, len(indexes))
	for _, i := range indexes {
		kept = append(kept, d.inUnit[i])
	}
	d.inUnit = kept
}

// perDay returns the most occurrences that a day can have.
func (d *dayTimes) perDay() int64 {
	return min(d.candidates, d.steps()) * int64(len(d.inUnit))
}

// steps returns how many units a day has at most, interval apart.
func (d *dayTimes) steps() int64 { return (msPerDay/d.unit + d.interval - 1) / d.interval }

// never reports that no day has an occurrence: every 2 hours from 8:00 on never
// meets BYHOUR=9. Each day shifts the units by less than what they have in
// common with a day, so one day of them tells.
func (d *dayTimes) never() bool {
	if len(d.inUnit) == 0 {
		return true
	}
	daily := msPerDay / d.unit
	common := gcd(d.interval, daily)
	for unit := mod(d.startUnit, common); unit < daily; unit += common {
		if d.allows(unit) {
			return false
		}
	}
	return true
}

// each yields the wall times of a day, in order. It goes through the candidates
// or through the steps, whichever are fewer.
func (d *dayTimes) each(day int64, yield func(wall int64) bool) bool {
	daily := msPerDay / d.unit
	if d.candidates > d.steps() {
		for unit := mod(d.startUnit-day*daily, d.interval); unit < daily; unit += d.interval {
			if d.allows(unit) && !d.eachIn(day*msPerDay+unit*d.unit, yield) {
				return false
			}
		}
		return true
	}
	for _, h := range d.hours {
		for _, m := range d.minutes {
			for _, s := range d.seconds {
				ms := clockTime(h, m, s)
				if mod(day*daily+ms/d.unit-d.startUnit, d.interval) == 0 && !d.eachIn(day*msPerDay+ms, yield) {
					return false
				}
			}
		}
	}
	return true
}

func (d *dayTimes) eachIn(base int64, yield func(wall int64) bool) bool {
	for _, ms := range d.inUnit {
		if !yield(base + ms) {
			return false
		}
	}
	return true
}

// allows reports whether a unit of the day may begin when it does.
func (d *dayTimes) allows(unit int64) bool {
	ms := unit * d.unit
	return d.allowed[0]>>(ms/msPerHour)&(d.allowed[1]>>(ms/msPerMinute%60))&(d.allowed[2]>>(ms/1000%60))&1 == 1
}

// bits sets the bit of each number, 0 to 63.
func bits(list []int) (set uint64) {
	for _, n := range list {
		set |= 1 << n
	}
	return set
}

// mod is the remainder of a floored division: never negative.
func mod(a, b int64) int64 { return (a%b + b) % b }

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
