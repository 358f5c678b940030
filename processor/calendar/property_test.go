package calendar

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawCalendar makes one that opens at least once a week or so.
func drawCalendar(t *rapid.T) *Calendar {
	zone := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"}).Draw(t, "zone")
	cfg := Config{Timezone: zone, Weekly: map[string][]string{"wed": {"10:00-11:30"}}}
	clockText := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"))
	})
	for range rapid.IntRange(0, 12).Draw(t, "windows") {
		day := rapid.SampledFrom(weekdays).Draw(t, "day")
		from, to := clockText.Draw(t, "from"), clockText.Draw(t, "to")
		if from != to {
			cfg.Weekly[day] = append(cfg.Weekly[day], from+"-"+to)
		}
	}
	for range rapid.IntRange(0, 5).Draw(t, "holidays") {
		day := dayNumber(2026, 1, rapid.IntRange(1, 800).Draw(t, "holiday"))
		cfg.Holidays = append(cfg.Holidays, dateOf(day).Format(time.DateOnly))
	}
	if rapid.Bool().Draw(t, "stretch") {
		from := drawInstant.Draw(t, "closed from")
		cfg.Closed = []Stretch{{formatInstant(from), formatInstant(from + rapid.Int64Range(1, 90*msPerDay).Draw(t, "closed for"))}}
	}
	c, err := Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var drawInstant = rapid.Int64Range(dayNumber(2026, 1, 1)*msPerDay, dayNumber(2029, 1, 1)*msPerDay)

func TestAddThenElapsed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, start := drawCalendar(t), drawInstant.Draw(t, "start")
		d := rapid.Int64Range(0, 2000*msPerHour).Draw(t, "d")
		due, ok := c.Add(start, d)
		if !ok || c.Elapsed(start, due) != d {
			t.Fatalf("Add = %s, %v, after which %d ms have elapsed, not %d", formatInstant(due), ok, c.Elapsed(start, due), d)
		}
		if due > start && c.Elapsed(start, due-1) >= d {
			t.Fatalf("%s is not the earliest", formatInstant(due))
		}
	})
}

func TestMonotonicAndAdditive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, a := drawCalendar(t), drawInstant.Draw(t, "a")
		b := a + rapid.Int64Range(0, 400*msPerDay).Draw(t, "b")
		e := b + rapid.Int64Range(0, 400*msPerDay).Draw(t, "e")
		ab, be, ae := c.Elapsed(a, b), c.Elapsed(b, e), c.Elapsed(a, e)
		if ab+be != ae || ab < 0 || ab > b-a {
			t.Fatalf("%d + %d != %d of %d", ab, be, ae, b-a)
		}
		d := rapid.Int64Range(0, 500*msPerHour).Draw(t, "d")
		fromA, _ := c.Add(a, d)
		fromB, _ := c.Add(b, d)
		more, _ := c.Add(a, d+1)
		if fromB < fromA || more <= fromA {
			t.Fatalf("due %d from a, %d from b, %d for more", fromA, fromB, more)
		}
		if split, _ := c.Add(b, be); split > e || ab+be > 0 && c.Elapsed(a, split) != ae {
			t.Fatalf("%d after the split", split)
		}
	})
}

func TestIntervalsTile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, a := drawCalendar(t), drawInstant.Draw(t, "a")
		b := a + rapid.Int64Range(1, 800*msPerDay).Draw(t, "b")
		open, last := int64(0), Interval{To: a, State: 99}
		for _, i := range c.Intervals(a, b) {
			if i.From != last.To || i.To <= i.From || i.State == last.State {
				t.Fatalf("%+v after %+v", i, last)
			}
			elapsed := c.Elapsed(i.From, i.To)
			if i.State == Open && elapsed != i.To-i.From || i.State != Open && elapsed != 0 {
				t.Fatalf("%+v has %d open", i, elapsed)
			}
			open, last = open+elapsed, i
		}
		if last.To != b || open != c.Elapsed(a, b) {
			t.Fatalf("ends %d, want %d; open %d", last.To, b, open)
		}
	})
}

// FuzzSchedule compiles any schedule and counts in it; it looks for panics and
// for work without end.
func FuzzSchedule(f *testing.F) {
	f.Add("2026-01-05T09:00:00.000", "2026-01-05T17:00:00.000", "FREQ=WEEKLY;BYDAY=MO,TU", "Europe/Berlin")
	f.Add("2026-01-05T09:00", "2026-01-06T09:00", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "America/Santiago")
	f.Add("2026-01-05T09:00", "2026-01-05T09:01", "FREQ=SECONDLY;INTERVAL=7;BYHOUR=9;BYMINUTE=3", "America/Havana")
	f.Add("0001-01-05T09:00", "0006-01-05T09:01", "FREQ=HOURLY;INTERVAL=5;BYHOUR=1,3;BYSETPOS=-1;UNTIL=99991231", "Pacific/Apia")
	f.Add("2026-01-05T09:00", "2026-01-05T09:01", "FREQ=YEARLY;BYEASTER=-100;BYWEEKNO=-53;COUNT=99999999", "Africa/Cairo")
	f.Add("2026-01-05T09:00", "2026-01-05T09:01", "FREQ=DAILY;INTERVAL=999999999;UNTIL=20261231T000000Z", "UTC")
	f.Fuzz(func(t *testing.T, start, end, rule, zone string) {
		begun := time.Now()
		if _, _, err := Occurrences(zone, start, rule, 50); err == nil && time.Since(begun) > 5*time.Second {
			t.Errorf("Occurrences took %s", time.Since(begun))
		}
		s := Schedule{Start: start, End: end, RRule: rule}
		c, err := Compile(Config{ScheduleGroup: &ScheduleGroup{TimeZone: zone, OpenSchedules: []Schedule{s}, HolidaySchedules: []Schedule{s}}})
		if err != nil {
			return
		}
		if got := c.Elapsed(1_700_000_000_000, 1_800_000_000_000); got != 0 {
			t.Errorf("%d ms are open on holidays only", got)
		}
		if time.Since(begun) > 10*time.Second {
			t.Errorf("took %s", time.Since(begun))
		}
	})
}
