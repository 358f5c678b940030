package calendar

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

const (
	maxRuleLength = 4096
	maxInterval   = 1_000_000_000
)

var errNoRule = errors.New("is no recurrence rule: write FREQ=WEEKLY;BYDAY=MO,TU")

// rule is an RFC 5545 recurrence rule as it was written. Only the parser of
// rrule-go is used: its iterator loops for good on rules that never match, and
// knows no local midnight that does not exist.
type rule struct {
	rrule.ROption
	until string // in one of the layouts of untilLayouts, or empty
}

// parseRule reads the body of an RRULE. It forgives the prefix, spaces, lower
// case and a semicolon at the end.
func parseRule(text string) (rule, error) {
	clean := strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	clean = strings.TrimRight(strings.TrimPrefix(clean, "RRULE:"), ";")
	if clean == "" || len(clean) > maxRuleLength || strings.ContainsAny(clean, "\r\n") {
		return rule{}, errNoRule
	}
	var r rule
	var parts, keys []string
	for part := range strings.SplitSeq(clean, ";") {
		key, value, _ := strings.Cut(part, "=")
		if slices.Contains(keys, key) {
			return rule{}, fmt.Errorf("has %s twice: write it once", key)
		}
		keys = append(keys, key)
		switch key {
		case "DTSTART":
			return rule{}, errors.New("has DTSTART: the schedule's start is its start, leave it out")
		case "UNTIL":
			r.until = value
		default:
			parts = append(parts, part)
		}
	}
	if slices.Contains(keys, "UNTIL") && !isUntil(r.until) {
		return rule{}, fmt.Errorf("has UNTIL=%s: write 20261231T235959, with Z if it is UTC, or 20261231", r.until)
	}
	option, err := rrule.StrToROption(strings.Join(parts, ";"))
	if err != nil {
		return rule{}, fmt.Errorf("cannot be read (%w): write FREQ=WEEKLY;BYDAY=MO,TU", err)
	}
	r.ROption = *option
	return r, r.check(keys)
}

var untilLayouts = []string{rrule.DateFormat, rrule.LocalDateTimeFormat, rrule.DateTimeFormat}

func isUntil(text string) bool {
	return slices.ContainsFunc(untilLayouts, func(layout string) bool {
		_, err := time.Parse(layout, text)
		return err == nil && len(text) == len(layout)
	})
}

// check refuses numbers that RFC 5545 does not know, and sorts the others.
func (r *rule) check(keys []string) error {
	if slices.Contains(keys, "COUNT") && r.Count < 1 {
		return fmt.Errorf("has COUNT=%d: write 1 or more", r.Count)
	}
	if !slices.Contains(keys, "INTERVAL") {
		r.Interval = 1
	}
	if r.Interval < 1 || r.Interval > maxInterval {
		return fmt.Errorf("has INTERVAL=%d: write 1 to %d", r.Interval, maxInterval)
	}
	for _, by := range []struct {
		key      string
		list     *[]int
		min, max int
		negative bool // also counted from the end
	}{
		{"BYSECOND", &r.Bysecond, 0, 59, false},
		{"BYMINUTE", &r.Byminute, 0, 59, false},
		{"BYHOUR", &r.Byhour, 0, 23, false},
		{"BYMONTH", &r.Bymonth, 1, 12, false},
		{"BYMONTHDAY", &r.Bymonthday, 1, 31, true},
		{"BYYEARDAY", &r.Byyearday, 1, 366, true},
		{"BYWEEKNO", &r.Byweekno, 1, 53, true},
		{"BYSETPOS", &r.Bysetpos, 1, 366, true},
		{"BYEASTER", &r.Byeaster, -366, 366, false},
	} {
		for _, n := range *by.list {
			if by.min <= n && n <= by.max || by.negative && by.min <= -n && -n <= by.max {
				continue
			}
			return fmt.Errorf("has %s=%d: write %d to %d", by.key, n, by.min, by.max)
		}
		slices.Sort(*by.list)
		*by.list = slices.Compact(*by.list)
	}
	for _, day := range r.Byweekday {
		if n := day.N(); n < -53 || n > 53 {
			return fmt.Errorf("has BYDAY=%s: count 1 to 53 or -1 to -53", day)
		}
	}
	if r.Wkst.N() != 0 {
		return fmt.Errorf("has WKST=%s: write a day, such as MO", r.Wkst)
	}
	return nil
}

// weekdayOf translates rrule-go's weekdays, which begin on Monday.
func weekdayOf(day rrule.Weekday) time.Weekday { return time.Weekday((day.Day() + 1) % 7) }
