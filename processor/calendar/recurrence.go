package calendar

import (
	"slices"
	"time"

	"github.com/teambition/rrule-go"
)

// ruleYears is how far past its start a rule is searched for occurrences, be it
// for the first one or for the last of COUNT.
const ruleYears = 100

// recurrence yields the occurrences of a rule on a clock without a zone. It can
// begin anywhere, so a page costs the same however old the schedule is, and it
// always ends: every step moves on by a period or a day.
//
// The start is an occurrence only if the rule matches it, and COUNT counts what
// matches: RFC 5545 leaves a start that does not fit undefined, and nobody who
// picks Monday to Friday expects the Saturday on which the schedule was made.
type recurrence struct {
	freq     rrule.Frequency
	interval int64
	start    int64 // wall time
	startDay int64
	filter   dayFilter
	times    dayTimes
	setPos   []int
	until    untilLimit
	last     int64 // no occurrence later than this wall time
}

// newRecurrence prepares a rule that starts at a wall time. COUNT is left to
// the caller.
func newRecurrence(r rule, start int64, loc *time.Location) *recurrence {
	date := time.UnixMilli(start).UTC()
	return &recurrence{
		freq:     r.Freq,
		interval: int64(r.Interval),
		start:    start,
		startDay: dayOf(start),
		filter:   newDayFilter(r, date),
		times:    newDayTimes(r, start),
		setPos:   r.Bysetpos,
		until:    newUntilLimit(r.until, loc),
		last:     date.AddDate(10_000, 0, 0).UnixMilli(),
	}
}

// horizon is the wall time at which a search for occurrences gives up.
func (r *recurrence) horizon() int64 {
	return time.UnixMilli(r.start).UTC().AddDate(ruleYears, 0, 0).UnixMilli()
}

// limitTo makes the count-th occurrence the last one.
func (r *recurrence) limitTo(count int) {
	r.last = r.horizon()
	r.each(r.start, r.last, func(wall int64) bool {
		if count--; count == 0 {
			r.last = wall
		}
		return count > 0
	})
}

// matchesEver reports whether there is any occurrence within ruleYears.
func (r *recurrence) matchesEver() bool {
	found := false
	r.each(r.start, r.horizon(), func(int64) bool {
		found = true
		return false
	})
	return found
}

// each yields the occurrences in the wall times [from, to], in order, until
// yield returns false.
func (r *recurrence) each(from, to int64, yield func(wall int64) bool) {
	from, to = max(from, r.start), min(to, r.last, r.until.wall)
	if from > to || r.times.never() {
		return
	}
	inRange := func(wall int64) bool {
		return wall <= to && (wall < from || !r.until.allows(wall) || yield(wall))
	}
	if r.freq >= rrule.DAILY {
		r.eachDay(dayOf(from), dayOf(to), inRange)
		return
	}
	var days []int64
	for k := r.periodWith(dayOf(from)); ; k++ {
		first, past := r.period(k)
		if first > dayOf(to) {
			return
		}
		days = days[:0]
		for day := first; day < past; day++ {
			if r.filter.matches(day) {
				days = append(days, day)
			}
		}
		if !r.eachOf(days, inRange) {
			return
		}
	}
}

func (r *recurrence) eachDay(first, last int64, yield func(wall int64) bool) {
	for day := first; day <= last; day++ {
		if r.filter.matches(day) && !r.times.each(day, yield) {
			return
		}
	}
}

// eachOf yields the occurrences of one year, month or week: all times of its
// days, or those in the positions that BYSETPOS names.
func (r *recurrence) eachOf(days []int64, yield func(wall int64) bool) bool {
	times := r.times.inUnit
	n := len(days) * len(times)
	if len(r.setPos) == 0 {
		for _, day := range days {
			for _, ms := range times {
				if !yield(day*msPerDay + ms) {
					return false
				}
			}
		}
		return true
	}
	for _, i := range positions(r.setPos, n) {
		if !yield(days[i/len(times)]*msPerDay + times[i%len(times)]) {
			return false
		}
	}
	return true
}

// positions turns BYSETPOS into indexes of a list of n, in order.
func positions(setPos []int, n int) []int {
	var found []int
	for _, pos := range setPos {
		if pos < 0 {
			pos += n + 1
		}
		if 1 <= pos && pos <= n {
			found = append(found, pos-1)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// periodWith returns which of the rule's years, months or weeks has the day, or
// is the last one before it. The first is number 0.
func (r *recurrence) periodWith(day int64) int64 {
	start, date := dateOf(r.startDay), dateOf(day)
	var n int64
	switch r.freq {
	case rrule.YEARLY:
		n = int64(date.Year() - start.Year())
	case rrule.MONTHLY:
		n = int64(date.Year()-start.Year())*12 + int64(date.Month()-start.Month())
	case rrule.WEEKLY:
		n = (day - r.firstWeek()) / 7
	}
	return n / r.interval
}

// period returns the days [first, past) of the k-th year, month or week. The
// first week begins on the start's day, so that BYSETPOS counts from there.
func (r *recurrence) period(k int64) (first, past int64) {
	n, start := k*r.interval, dateOf(r.startDay)
	switch r.freq {
	case rrule.YEARLY:
		year := start.Year() + int(n)
		return dayNumber(year, 1, 1), dayNumber(year+1, 1, 1)
	case rrule.MONTHLY:
		month := start.Month() + time.Month(n)
		return dayNumber(start.Year(), month, 1), dayNumber(start.Year(), month+1, 1)
	default:
		week := r.firstWeek() + n*7
		return max(week, r.startDay), week + 7
	}
}

func (r *recurrence) firstWeek() int64 {
	return r.startDay - int64(weekday(r.startDay)-r.filter.wkst+7)%7
}
