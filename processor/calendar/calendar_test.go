package calendar

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func at(t testing.TB, s string) int64 {
	t.Helper()
	x, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return x.UnixMilli()
}

func mustCompile(t testing.TB, cfg Config) *Calendar {
	t.Helper()
	c, err := Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// week opens the days, named with a space between, at the same hours.
func week(days string, windows ...string) map[string][]string {
	w := make(map[string][]string)
	for ; len(days) >= 3; days = days[min(4, len(days)):] {
		w[days[:3]] = windows
	}
	return w
}

const (
	workdays = "mon tue wed thu fri"
	allDays  = "mon tue wed thu fri sat sun"
)

func office(holidays ...string) Config {
	return Config{Timezone: "Europe/Berlin", Weekly: week(workdays, "09:00-17:00"), Holidays: holidays}
}

func inZone(zone string, weekly map[string][]string, holidays ...string) Config {
	return Config{Timezone: zone, Weekly: weekly, Holidays: holidays}
}

func TestAdd(t *testing.T) {
	whole := week(allDays, "00:00-24:00")
	for _, tc := range []struct {
		name  string
		cfg   Config
		start string
		add   time.Duration
		want  string
	}{
		{"case 6, warning", office(), "2026-02-27T16:45:00+01:00", 3*time.Hour + 30*time.Minute, "2026-03-02T12:15:00+01:00"},
		{"case 6, breach", office(), "2026-02-27T16:45:00+01:00", 4 * time.Hour, "2026-03-02T12:45:00+01:00"},
		{"case 6 over the spring change", office(), "2026-03-27T16:45:00+01:00", 210 * time.Minute, "2026-03-30T12:15:00+02:00"},
		{"case 17", inZone("Europe/Berlin", whole), "2026-03-29T01:00:00+01:00", 4 * time.Hour, "2026-03-29T06:00:00+02:00"},
		{"autumn, whole days", inZone("Europe/Berlin", whole), "2026-10-25T01:00:00+02:00", 4 * time.Hour, "2026-10-25T04:00:00+01:00"},
		{"runs out at closing time", office(), "2026-03-02T09:00:00+01:00", 8 * time.Hour, "2026-03-02T17:00:00+01:00"},
		{"a millisecond more", office(), "2026-03-02T09:00:00+01:00", 8*time.Hour + time.Millisecond, "2026-03-03T09:00:00.001+01:00"},
		{"from closing time", office(), "2026-03-02T17:00:00+01:00", time.Minute, "2026-03-03T09:01:00+01:00"},
		{"nothing to add while closed", office(), "2026-03-01T09:00:00+01:00", 0, "2026-03-01T09:00:00+01:00"},
		{"over a holiday", office("2026-05-01"), "2026-04-30T16:00:00+02:00", 2 * time.Hour, "2026-05-04T10:00:00+02:00"},
		{"over the year's end", office("2026-12-25", "2027-01-01"), "2026-12-31T16:30:00+01:00", time.Hour, "2027-01-04T09:30:00+01:00"},
		{"over the end of February", office(), "2028-02-29T16:30:00+01:00", time.Hour, "2028-03-01T09:30:00+01:00"},
		{"two windows a day", inZone("Europe/Berlin", week("mon", "09:00-12:00", "13:00-17:00")), "2026-03-02T11:00:00+01:00", 2 * time.Hour, "2026-03-02T14:00:00+01:00"},
		{"overlapping windows are one", inZone("Europe/Berlin", week("mon", "09:00-13:00", "12:00-17:00", "10:00-11:00")), "2026-03-02T09:00:00+01:00", 8 * time.Hour, "2026-03-02T17:00:00+01:00"},
		{"night window", inZone("Europe/Berlin", week("fri", "22:00-06:00")), "2026-03-06T21:00:00+01:00", 7 * time.Hour, "2026-03-07T05:00:00+01:00"},
		{"night window, end of the week", inZone("Europe/Berlin", week("sat", "22:00-06:00")), "2026-03-08T05:00:00+01:00", 2 * time.Hour, "2026-03-14T23:00:00+01:00"},
		{"night window into a holiday", inZone("Europe/Berlin", week("thu fri", "22:00-06:00"), "2026-03-06"), "2026-03-05T22:00:00+01:00", 3 * time.Hour, "2026-03-07T01:00:00+01:00"},
		{"night window over the autumn change", inZone("Europe/Berlin", week("sat", "22:00-06:00")), "2026-10-24T22:00:00+02:00", 9 * time.Hour, "2026-10-25T06:00:00+01:00"},
		{"opens in the gap", inZone("Europe/Berlin", week("sun", "02:30-05:00")), "2026-03-29T00:00:00+01:00", time.Hour, "2026-03-29T04:30:00+02:00"},
		{"closes at a time that happens twice", inZone("Europe/Berlin", week("sun", "01:00-02:30")), "2026-10-25T00:00:00+02:00", 2 * time.Hour, "2026-11-01T01:30:00+01:00"},
		{"Lord Howe, spring", inZone("Australia/Lord_Howe", week(allDays, "01:00-04:00")), "2026-10-04T01:00:00+10:30", 2*time.Hour + 30*time.Minute, "2026-10-04T04:00:00+11:00"},
		{"Lord Howe, autumn", inZone("Australia/Lord_Howe", week(allDays, "01:00-04:00")), "2026-04-05T01:00:00+11:00", 3*time.Hour + 30*time.Minute, "2026-04-05T04:00:00+10:30"},
		{"Santiago, holiday without midnight", inZone("America/Santiago", whole, "2026-09-06"), "2026-09-05T23:00:00-04:00", 2 * time.Hour, "2026-09-07T01:00:00-03:00"},
		{"Havana, holiday with two midnights", inZone("America/Havana", whole, "2026-11-01"), "2026-10-31T23:00:00-04:00", 2 * time.Hour, "2026-11-02T01:00:00-05:00"},
		{"Havana, eve of two midnights", inZone("America/Havana", week("sat", "00:00-24:00")), "2026-10-31T00:00:00-04:00", 24 * time.Hour, "2026-11-01T00:00:00-04:00"},
		{"Cairo, Friday without midnight", inZone("Africa/Cairo", week("fri", "00:00-24:00")), "2026-04-23T12:00:00+02:00", 23 * time.Hour, "2026-04-25T00:00:00+03:00"},
		{"Apia, the day that was not", inZone("Pacific/Apia", whole), "2011-12-29T23:00:00-10:00", 2 * time.Hour, "2011-12-31T01:00:00+14:00"},
		{"Apia, its holiday closes nothing", inZone("Pacific/Apia", whole, "2011-12-30"), "2011-12-29T23:00:00-10:00", 2 * time.Hour, "2011-12-31T01:00:00+14:00"},
		{"closed stretch", Config{Timezone: "UTC", Weekly: whole, Closed: []Stretch{{"2026-05-04T10:00:00Z", "2026-05-04T11:00:00Z"}}}, "2026-05-04T09:30:00Z", time.Hour, "2026-05-04T11:30:00Z"},
		{"closed stretch, given in a zone", Config{Timezone: "UTC", Weekly: whole, Closed: []Stretch{{"2026-05-04T12:00:00+02:00", "2026-05-04T13:00:00+02:00"}}}, "2026-05-04T09:30:00Z", time.Hour, "2026-05-04T11:30:00Z"},
		{"longer than a year", office(), "2026-03-02T09:00:00+01:00", 600 * 8 * time.Hour, "2028-06-16T17:00:00+02:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			start, want := at(t, tc.start), at(t, tc.want)
			c := mustCompile(t, tc.cfg)
			got, ok := c.Add(start, tc.add.Milliseconds())
			if !ok || got != want {
				t.Errorf("Add = %s, %v, want %s", formatInstant(got), ok, formatInstant(want))
			}
			if got := c.Elapsed(start, want); got != tc.add.Milliseconds() {
				t.Errorf("Elapsed = %s, want %s", time.Duration(got)*time.Millisecond, tc.add)
			}
		})
	}
}

func TestElapsed(t *testing.T) {
	c := mustCompile(t, office("2026-12-25"))
	for _, tc := range []struct {
		name, from, to string
		want           time.Duration
	}{
		{"weekend", "2026-02-27T17:00:00+01:00", "2026-03-02T09:00:00+01:00", 0},
		{"a week", "2026-03-02T00:00:00+01:00", "2026-03-09T00:00:00+01:00", 40 * time.Hour},
		{"a week with a holiday", "2026-12-21T00:00:00+01:00", "2026-12-28T00:00:00+01:00", 32 * time.Hour},
		{"backwards", "2026-03-09T00:00:00+01:00", "2026-03-02T00:00:00+01:00", 0},
		{"one instant", "2026-03-02T10:00:00+01:00", "2026-03-02T10:00:00+01:00", 0},
		{"before 1970", "1969-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0},
		{"after 2109", "2110-01-01T00:00:00Z", "2120-01-01T00:00:00Z", 0},
	} {
		if got := c.Elapsed(at(t, tc.from), at(t, tc.to)); got != tc.want.Milliseconds() {
			t.Errorf("%s: %s, want %s", tc.name, time.Duration(got)*time.Millisecond, tc.want)
		}
	}
}

func TestAlways(t *testing.T) {
	c := Always()
	start := at(t, "2026-03-29T00:00:00Z")
	if got, ok := c.Add(start, 5000); !ok || got != start+5000 {
		t.Errorf("Add = %d, %v", got, ok)
	}
	if got := c.Elapsed(start, start+5000); got != 5000 {
		t.Errorf("Elapsed = %d", got)
	}
	if diff := cmp.Diff([]Interval{{start, start + 5, Open}}, c.Intervals(start, start+5)); diff != "" {
		t.Error(diff)
	}
	if !c.OpensWithin(start) {
		t.Error("always never opens")
	}
}

// TestOpensWithin looks at calendars that stay shut for about five years.
func TestOpensWithin(t *testing.T) {
	group := func(open ...Schedule) Config {
		return Config{ScheduleGroup: &ScheduleGroup{TimeZone: "UTC", OpenSchedules: open}}
	}
	once := Schedule{Start: "2026-01-05T09:00", End: "2026-01-05T17:00"}
	later := Schedule{Start: "2030-12-31T09:00", End: "2030-12-31T17:00"}
	tooLate := Schedule{Start: "2031-02-05T09:00", End: "2031-02-05T17:00"}
	for _, tc := range []struct {
		name, t string
		cfg     Config
		want    bool
	}{
		{"office", "2026-03-01T00:00:00Z", office(), true},
		{"once, before", "2026-01-01T00:00:00Z", group(once), true},
		{"once, at the last moment", "2026-01-05T16:59:59Z", group(once), true},
		{"once, after", "2026-01-05T17:00:00Z", group(once), false},
		{"again within five years", "2026-01-06T00:00:00Z", group(once, later), true},
		{"again after five years", "2026-01-06T00:00:00Z", group(once, tooLate), false},
		{"closed for five years", "2026-01-01T00:00:00Z", Config{Timezone: "UTC", Weekly: week(allDays, "00:00-24:00"),
			Closed: []Stretch{{"2025-06-01T00:00:00Z", "2032-06-01T00:00:00Z"}}}, false},
	} {
		if got := mustCompile(t, tc.cfg).OpensWithin(at(t, tc.t)); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
	c := mustCompile(t, group(once, tooLate))
	if got, ok := c.Add(at(t, "2026-01-05T09:00:00Z"), 9*msPerHour); ok {
		t.Errorf("a budget that needs five shut years is due %s", formatInstant(got))
	}
	c = mustCompile(t, group(once, later))
	if got, ok := c.Add(at(t, "2026-01-05T09:00:00Z"), 9*msPerHour); !ok || got != at(t, "2030-12-31T10:00:00Z") {
		t.Errorf("Add = %s, %v", formatInstant(got), ok)
	}
}

func TestIntervals(t *testing.T) {
	cfg := office("2026-12-25")
	cfg.Closed = []Stretch{{"2026-12-24T11:00:00+01:00", "2026-12-24T12:00:00+01:00"}, {"2026-12-25T08:00:00+01:00", "2026-12-25T12:00:00+01:00"}}
	var got []string
	for _, i := range mustCompile(t, cfg).Intervals(at(t, "2026-12-24T10:00:00+01:00"), at(t, "2026-12-28T10:00:00+01:00")) {
		got = append(got, formatInstant(i.From)+" "+formatInstant(i.To)+" "+i.State.String())
	}
	want := []string{
		"2026-12-24T09:00:00Z 2026-12-24T10:00:00Z open",
		"2026-12-24T10:00:00Z 2026-12-24T11:00:00Z closed",
		"2026-12-24T11:00:00Z 2026-12-24T16:00:00Z open",
		"2026-12-24T16:00:00Z 2026-12-24T23:00:00Z closed",
		"2026-12-24T23:00:00Z 2026-12-25T23:00:00Z holiday",
		"2026-12-25T23:00:00Z 2026-12-28T08:00:00Z closed",
		"2026-12-28T08:00:00Z 2026-12-28T09:00:00Z open",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestShared has many goroutines meet a calendar that knows nothing yet.
func TestShared(t *testing.T) {
	c, start := mustCompile(t, office()), at(t, "2020-01-01T00:00:00Z")
	var wg sync.WaitGroup
	for i := range int64(8) {
		wg.Go(func() {
			for n := range int64(200) {
				from := start + ((n*7+i)%200)*20*msPerDay
				due, _ := c.Add(from, 30*msPerHour)
				if got := c.Elapsed(from, due); got != 30*msPerHour {
					t.Errorf("Elapsed = %d", got)
				}
			}
		})
	}
	wg.Wait()
}
