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

// TestOccurrences has examples of RFC 5545, and what Genesys and its users
// write.
func TestOccurrences(t *testing.T) {
	for _, tc := range []struct{ name, start, rule, want string }{
		{"once", "2026-01-05T09:00:00.000", "", "2026-01-05T09:00:00"},
		{"daily, thrice", "1997-09-02T09:00", "FREQ=DAILY;COUNT=3", "1997-09-02T09:00:00 1997-09-03T09:00:00 1997-09-04T09:00:00"},
		{"every other week", "1997-09-02T09:00", "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,TH;COUNT=4", "1997-09-02T09:00:00 1997-09-04T09:00:00 1997-09-16T09:00:00 1997-09-18T09:00:00"},
		{"week start Monday", "1997-08-05T09:00", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05T09:00:00 1997-08-10T09:00:00 1997-08-19T09:00:00 1997-08-24T09:00:00"},
		{"week start Sunday", "1997-08-05T09:00", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05T09:00:00 1997-08-17T09:00:00 1997-08-19T09:00:00 1997-08-31T09:00:00"},
		{"first Friday", "1997-09-05T09:00", "FREQ=MONTHLY;COUNT=3;BYDAY=1FR", "1997-09-05T09:00:00 1997-10-03T09:00:00 1997-11-07T09:00:00"},
		{"first and last Sunday", "1997-09-07T09:00", "FREQ=MONTHLY;INTERVAL=2;COUNT=4;BYDAY=1SU,-1SU", "1997-09-07T09:00:00 1997-09-28T09:00:00 1997-11-02T09:00:00 1997-11-30T09:00:00"},
		{"third from the end", "1997-09-28T09:00", "FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=3", "1997-09-28T09:00:00 1997-10-29T09:00:00 1997-11-28T09:00:00"},
		{"twentieth Monday", "1997-05-19T09:00", "FREQ=YEARLY;BYDAY=20MO;COUNT=3", "1997-05-19T09:00:00 1998-05-18T09:00:00 1999-05-17T09:00:00"},
		{"week 20", "1997-05-12T09:00", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=3", "1997-05-12T09:00:00 1998-05-11T09:00:00 1999-05-17T09:00:00"},
		{"week 53", "2019-01-01T09:00", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH,FR;COUNT=3", "2020-12-31T09:00:00 2021-01-01T09:00:00 2026-12-31T09:00:00"},
		{"Friday the 13th", "1997-09-02T09:00", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=3", "1998-02-13T09:00:00 1998-03-13T09:00:00 1998-11-13T09:00:00"},
		{"election day", "1996-11-05T09:00", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3", "1996-11-05T09:00:00 2000-11-07T09:00:00 2004-11-02T09:00:00"},
		{"last workday but one", "1997-09-29T09:00", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=3", "1997-09-29T09:00:00 1997-10-30T09:00:00 1997-11-27T09:00:00"},
		{"every three hours until", "1997-09-02T09:00", "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000", "1997-09-02T09:00:00 1997-09-02T12:00:00 1997-09-02T15:00:00"},
		{"every 90 minutes", "1997-09-02T22:00", "FREQ=MINUTELY;INTERVAL=90;COUNT=3", "1997-09-02T22:00:00 1997-09-02T23:30:00 1997-09-03T01:00:00"},
		{"every second", "2026-01-05T23:59:59", "FREQ=SECONDLY;COUNT=2", "2026-01-05T23:59:59 2026-01-06T00:00:00"},
		{"the 31st", "2026-01-31T09:00", "FREQ=MONTHLY;COUNT=3", "2026-01-31T09:00:00 2026-03-31T09:00:00 2026-05-31T09:00:00"},
		{"leap day", "2024-02-29T09:00", "FREQ=YEARLY;COUNT=2", "2024-02-29T09:00:00 2028-02-29T09:00:00"},
		{"Easter Monday", "2026-01-01T00:00", "FREQ=YEARLY;BYEASTER=1;COUNT=3", "2026-04-06T00:00:00 2027-03-29T00:00:00 2028-04-17T00:00:00"},
		{"both kinds of weekday", "2026-03-01T09:00", "FREQ=MONTHLY;BYDAY=SU,1MO;COUNT=3", "2026-03-01T09:00:00 2026-03-02T09:00:00 2026-03-08T09:00:00"},
		{"Genesys", "2026-01-03T08:00:00.000000", "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU;", "2026-01-05T08:00:00 2026-01-06T08:00:00 2026-01-12T08:00:00"},
		{"until, local and included", "2026-01-05T09:00", "FREQ=DAILY;UNTIL=20260106T090000", "2026-01-05T09:00:00 2026-01-06T09:00:00"},
		{"until, UTC and included", "2026-01-05T09:00", "FREQ=DAILY;UNTIL=20260106T080000Z", "2026-01-05T09:00:00 2026-01-06T09:00:00"},
		{"until, UTC and too early", "2026-01-05T09:00", "FREQ=DAILY;UNTIL=20260106T075959Z", "2026-01-05T09:00:00"},
		{"until a date, included", "2026-01-05T09:00", "FREQ=DAILY;UNTIL=20260106", "2026-01-05T09:00:00 2026-01-06T09:00:00"},
		{"count and until", "2026-01-05T09:00", "FREQ=DAILY;COUNT=5;UNTIL=20260106", "2026-01-05T09:00:00 2026-01-06T09:00:00"},
		{"never", "2026-01-05T09:00", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", ""},
		{"never, hour by hour", "2026-01-05T09:00", "FREQ=HOURLY;INTERVAL=2;BYHOUR=10", ""},
		{"never, second by second", "2026-01-05T09:00", "FREQ=SECONDLY;INTERVAL=2;BYSECOND=1,3,5", ""},
		{"never, no such position", "2026-01-05T09:00", "FREQ=SECONDLY;BYSETPOS=2", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, _, err := Occurrences("Europe/Berlin", tc.start, tc.rule, max(1, len(strings.Fields(tc.want)), 3))
			if err != nil {
				t.Fatal(err)
			}
			if tc.rule != "" && !strings.Contains(tc.rule, "COUNT") && !strings.Contains(tc.rule, "UNTIL") && tc.want != "" {
				got = got[:3]
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOccurrencesInZones has the days on which rrule-go itself errs.
func TestOccurrencesInZones(t *testing.T) {
	for _, tc := range []struct{ zone, start, utc string }{
		{"Europe/Berlin", "2026-03-28T02:30", "2026-03-28T01:30:00Z 2026-03-29T01:30:00Z 2026-03-30T00:30:00Z"},
		{"Europe/Berlin", "2026-10-24T02:30", "2026-10-24T00:30:00Z 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z"},
		{"America/Santiago", "2026-09-05T00:00", "2026-09-05T04:00:00Z 2026-09-06T04:00:00Z 2026-09-07T03:00:00Z"},
		{"America/Havana", "2026-03-07T00:00", "2026-03-07T05:00:00Z 2026-03-08T05:00:00Z 2026-03-09T04:00:00Z"},
		{"America/Havana", "2026-10-31T00:00", "2026-10-31T04:00:00Z 2026-11-01T04:00:00Z 2026-11-02T05:00:00Z"},
		{"America/Sao_Paulo", "2017-10-14T00:00", "2017-10-14T03:00:00Z 2017-10-15T03:00:00Z 2017-10-16T02:00:00Z"},
		{"Asia/Beirut", "2026-03-28T00:00", "2026-03-27T22:00:00Z 2026-03-28T22:00:00Z 2026-03-29T21:00:00Z"},
		{"Africa/Cairo", "2026-04-23T00:00", "2026-04-22T22:00:00Z 2026-04-23T22:00:00Z 2026-04-24T21:00:00Z"},
		{"Pacific/Apia", "2011-12-29T09:00", "2011-12-29T19:00:00Z 2011-12-30T19:00:00Z 2011-12-30T19:00:00Z"},
	} {
		local, utc, err := Occurrences(tc.zone, tc.start, "FREQ=DAILY", 3)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.utc, strings.Join(utc, " ")); diff != "" {
			t.Errorf("%s: %s", tc.zone, diff)
		}
		if local[1][11:16] != tc.start[11:] {
			t.Errorf("%s: local %s is not what the rule says", tc.zone, local[1])
		}
	}
}

// TestEachBeginsAnywhere compares a recurrence asked for a stretch with the
// same stretch of the whole.
func TestEachBeginsAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, err := parseRule(drawRule(t))
		if err != nil {
			t.Fatal(err)
		}
		start := dayNumber(2026, 1, 1)*msPerDay + rapid.Int64Range(0, 24*60-1).Draw(t, "start")*msPerMinute
		r := newRecurrence(rule, start, time.UTC)
		from := start + rapid.Int64Range(-5, 600).Draw(t, "from")*msPerDay
		to := from + rapid.Int64Range(0, 3*24*60).Draw(t, "to")*msPerMinute
		list := func(a, b int64) (walls []int64) {
			r.each(a, b, func(wall int64) bool {
				walls = append(walls, wall)
				return len(walls) < 100_000
			})
			return walls
		}
		var want []int64
		whole := list(start, to)
		if len(whole) == 100_000 {
			t.Skip("too many to compare")
		}
		for _, wall := range whole {
			if wall >= from {
				want = append(want, wall)
			}
		}
		if diff := cmp.Diff(want, list(from, to)); diff != "" {
			t.Fatal(diff)
		}
	})
}
