package calendar

import (
	"slices"
	"time"

	"github.com/teambition/rrule-go"
)

// dayFilter holds the parts of a rule that choose days. Every part that is
// given must agree; within a part, any of its values will do.
type dayFilter struct {
	months, monthDays, yearDays, weeks, easter []int
	weekdays                                   []nthWeekday
	nthOfYear                                  bool // else nth counts within the month
	wkst                                       time.Weekday
}

// nthWeekday is a weekday, or the nth of its month or year; from the end if
// negative, any if 0.
type nthWeekday struct {
	day time.Weekday
	nth int
}

// newDayFilter takes the parts from the rule. A rule that names no day at all
// means the day of its start.
func newDayFilter(r rule, start time.Time) dayFilter {
	f := dayFilter{
		months: r.Bymonth, monthDays: r.Bymonthday, yearDays: r.Byyearday, weeks: r.Byweekno, easter: r.Byeaster,
		nthOfYear: r.Freq == rrule.YEARLY && len(r.Bymonth) == 0,
		wkst:      weekdayOf(r.Wkst),
	}
	for _, day := range r.Byweekday {
		nth := nthWeekday{day: weekdayOf(day)}
		if r.Freq == rrule.YEARLY || r.Freq == rrule.MONTHLY {
			nth.nth = day.N()
		}
		f.weekdays = append(f.weekdays, nth)
	}
	if len(f.monthDays)+len(f.yearDays)+len(f.weeks)+len(f.easter)+len(f.weekdays) > 0 {
		return f
	}
	switch r.Freq {
	case rrule.YEARLY:
		if len(f.months) == 0 {
			f.months = []int{int(start.Month())}
		}
		f.monthDays = []int{start.Day()}
	case rrule.MONTHLY:
		f.monthDays = []int{start.Day()}
	case rrule.WEEKLY:
		f.weekdays = []nthWeekday{{day: start.Weekday()}}
	}
	return f
}

func (f *dayFilter) matches(day int64) bool {
	date := dateOf(day)
	year, month, monthDay := date.Date()
	yearDay, yearDays := date.YearDay(), daysInYear(year)
	monthDays := daysInMonth(year, month)
	return (len(f.months) == 0 || slices.Contains(f.months, int(month))) &&
		containsEitherEnd(f.monthDays, monthDay, monthDays) &&
		containsEitherEnd(f.yearDays, yearDay, yearDays) &&
		(len(f.weekdays) == 0 || f.matchesWeekday(date.Weekday(), monthDay, monthDays, yearDay, yearDays)) &&
		(len(f.weeks) == 0 || f.matchesWeek(day)) &&
		(len(f.easter) == 0 || f.matchesEaster(day, year))
}

// containsEitherEnd reports whether the list is empty or has n, counted from 1
// or, negative, from the end.
func containsEitherEnd(list []int, n, last int) bool {
	return len(list) == 0 || slices.Contains(list, n) || slices.Contains(list, n-last-1)
}

func (f *dayFilter) matchesWeekday(day time.Weekday, monthDay, monthDays, yearDay, yearDays int) bool {
	n, last := monthDay, monthDays
	if f.nthOfYear {
		n, last = yearDay, yearDays
	}
	nth, fromEnd := (n-1)/7+1, -((last-n)/7 + 1)
	return slices.ContainsFunc(f.weekdays, func(w nthWeekday) bool {
		return w.day == day && (w.nth == 0 || w.nth == nth || w.nth == fromEnd)
	})
}

// matchesWeek numbers weeks as ISO 8601 does, from the rule's first weekday: a
// week belongs to the year that has its fourth day.
func (f *dayFilter) matchesWeek(day int64) bool {
	fourth := dateOf(day - int64(weekday(day)-f.wkst+7)%7 + 3)
	yearDay := fourth.YearDay() - 1
	week := yearDay/7 + 1
	weeks := (daysInYear(fourth.Year()) - yearDay%7 + 6) / 7
	return containsEitherEnd(f.weeks, week, weeks)
}

// matchesEaster also looks at the neighbouring years, whose Easter may be less
// than 366 days away.
func (f *dayFilter) matchesEaster(day int64, year int) bool {
	for y := year - 1; y <= year+1; y++ {
		if slices.Contains(f.easter, int(day-easter(y))) {
			return true
		}
	}
	return false
}

// easter returns the day of Western Easter, by the Gregorian computus.
func easter(year int) int64 {
	golden, century := year%19, year/100
	epact := (century - century/4 - (8*century+13)/25 + 19*golden + 15) % 30
	moon := epact - epact/28*(1-29/(epact+1)*((21-golden)/11))
	sunday := moon - (year+year/4+moon+2-century+century/4)%7
	month := 3 + (sunday+40)/44
	return dayNumber(year, time.Month(month), sunday+28-31*(month/4))
}

// dateOf returns midnight of a day on a clock without a zone.
func dateOf(day int64) time.Time { return time.Unix(day*86_400, 0).UTC() }

// dayNumber is the inverse of dateOf; months and days may overflow.
func dayNumber(year int, month time.Month, day int) int64 {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86_400
}

func daysInYear(year int) int {
	return int(dayNumber(year+1, 1, 1) - dayNumber(year, 1, 1))
}

func daysInMonth(year int, month time.Month) int {
	return int(dayNumber(year, month+1, 1) - dayNumber(year, month, 1))
}
