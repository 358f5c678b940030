package calendar

import (
	"testing"
	"time"
)

func wallTime(t testing.TB, local string) int64 {
	t.Helper()
	wall, err := parseLocal(local)
	if err != nil {
		t.Fatal(err)
	}
	return wall
}

func TestInstant(t *testing.T) {
	for _, tc := range []struct{ name, zone, local, want string }{
		{"winter", "Europe/Berlin", "2026-01-05T09:00", "2026-01-05T08:00:00Z"},
		{"summer", "Europe/Berlin", "2026-07-06T09:00", "2026-07-06T07:00:00Z"},
		{"spring, before", "Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59:00Z"},
		{"spring, in the gap", "Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30:00Z"},
		{"spring, gap's start", "Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00:00Z"},
		{"spring, gap's end", "Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00Z"},
		{"autumn, twice", "Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"},
		{"autumn, after", "Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00:00Z"},
		{"half an hour, gap", "Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45:00Z"},
		{"half an hour, twice", "Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z"},
		{"no midnight, Santiago", "America/Santiago", "2026-09-06T00:00", "2026-09-06T04:00:00Z"},
		{"no midnight, Havana", "America/Havana", "2026-03-08T00:00", "2026-03-08T05:00:00Z"},
		{"midnight twice, Havana", "America/Havana", "2026-11-01T00:00", "2026-11-01T04:00:00Z"},
		{"no midnight, Cairo", "Africa/Cairo", "2026-04-24T00:00", "2026-04-23T22:00:00Z"},
		{"no midnight, Beirut", "Asia/Beirut", "2026-03-29T00:30", "2026-03-28T22:30:00Z"},
		{"no midnight, São Paulo", "America/Sao_Paulo", "2017-10-15T00:00", "2017-10-15T03:00:00Z"},
		{"skipped day, Apia", "Pacific/Apia", "2011-12-30T09:00", "2011-12-30T19:00:00Z"},
		{"after the skipped day", "Pacific/Apia", "2011-12-31T09:00", "2011-12-30T19:00:00Z"},
		{"no zone at all", "UTC", "2026-03-29T02:30", "2026-03-29T02:30:00Z"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			loc, err := loadZone(tc.zone)
			if err != nil {
				t.Fatal(err)
			}
			wall := wallTime(t, tc.local)
			for _, around := range []int64{0, 400 * msPerDay} { // the page's width does not matter
				got := newWallClock(loc, wall-around, wall+around).instant(wall)
				if want := at(t, tc.want); got != want {
					t.Errorf("%s in %s = %s, want %s", tc.local, tc.zone, formatInstant(got), tc.want)
				}
			}
		})
	}
}

func TestLoadZoneRefuses(t *testing.T) {
	for _, name := range []string{"", "Local", "Europe/Nowhere", "../etc/passwd"} {
		if _, err := loadZone(name); err == nil {
			t.Errorf("loadZone(%q) is no error", name)
		}
	}
}

func TestDayNumbers(t *testing.T) {
	for date := time.Date(1960, 1, 1, 12, 0, 0, 0, time.UTC); date.Year() < 1980; date = date.AddDate(0, 0, 1) {
		day := dayOf(date.UnixMilli())
		if got := weekday(day); got != date.Weekday() {
			t.Fatalf("weekday of %s = %s", date, got)
		}
		if got := dayNumber(date.Date()); got != day {
			t.Fatalf("dayNumber of %s = %d, want %d", date, got, day)
		}
	}
}
