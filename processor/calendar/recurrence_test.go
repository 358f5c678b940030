package calendar

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"
)

// drawRule makes a rule that rrule-go and RFC 5545 agree about: no weekdays
// with and without a number side by side, which rrule-go never matches.
func drawRule(t *rapid.T) string {
	freq := rapid.SampledFrom([]string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"}).Draw(t, "freq")
	parts := []string{"FREQ=" + freq}
	maybe := func(key string, odds int, values ...string) {
		if rapid.IntRange(1, odds).Draw(t, key+"?") != 1 {
			return
		}
		n := rapid.IntRange(1, 3).Draw(t, key+"#")
		list := rapid.SliceOfNDistinct(rapid.SampledFrom(values), min(n, len(values)), min(n, len(values)), rapid.ID).Draw(t, key)
		parts = append(parts, key+"="+strings.Join(list, ","))
	}
	if rapid.Bool().Draw(t, "interval?") {
		parts = append(parts, fmt.Sprintf("INTERVAL=%d", rapid.IntRange(1, 40).Draw(t, "interval")))
	}
	maybe("BYMONTH", 4, "1", "2", "3", "6", "11", "12")
	maybe("BYMONTHDAY", 4, "1", "13", "29", "31", "-1", "-31")
	maybe("BYYEARDAY", 9, "1", "60", "100", "366", "-1", "-366")
	maybe("BYWEEKNO", 9, "2", "20", "27", "-20")
	maybe("BYEASTER", 12, "-2", "0", "1", "49")
	if rapid.Bool().Draw(t, "plain") {
		maybe("BYDAY", 2, "MO", "TU", "WE", "TH", "FR", "SA", "SU")
	} else {
		maybe("BYDAY", 2, "1MO", "2TU", "-1FR", "5SU", "-5SA", "3WE")
	}
	maybe("BYHOUR", 3, "0", "1", "9", "12", "23")
	maybe("BYMINUTE", 4, "0", "15", "30", "59")
	maybe("BYSECOND", 6, "0", "30", "59")
	maybe("BYSETPOS", 4, "1", "2", "-1", "5")
	if rapid.Bool().Draw(t, "wkst?") {
		parts = append(parts, "WKST="+rapid.SampledFrom([]string{"SU", "WE", "SA"}).Draw(t, "wkst"))
	}
	return strings.Join(parts, ";")
}

// TestOccurrencesAgainstRRuleGo compares with the library's own iterator, in
// UTC, where it is right.
func TestOccurrencesAgainstRRuleGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawRule(t)
		start := time.Date(2023, 12, 25, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 400*24*60).Draw(t, "start")) * time.Minute)
		got, _, err := Occurrences("UTC", start.Format("2006-01-02T15:04:05"), text, 12)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) < 12 {
			return // the library would search to the year 9999, or for good
		}
		option, err := rrule.StrToROption(text)
		if err != nil {
			t.Fatal(err)
		}
		option.Dtstart = start
		library, err := rrule.NewRRule(*option)
		if err != nil {
			t.Fatal(err)
		}
		next := library.Iterator()
		var want []string
		for range got {
			at, _ := next()
			want = append(want, at.Format("2006-01-02T15:04:05"))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s from %s (-library +ours):\n%s", text, start, diff)
		}
	})
}
