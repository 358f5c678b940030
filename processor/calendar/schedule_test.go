package calendar

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func daily(start, end string) Schedule {
	return Schedule{Start: start, End: end, RRule: "FREQ=DAILY;INTERVAL=1"}
}

// TestScheduleGroup lists the states of a stretch of time, local times in the
// group's zone.
func TestScheduleGroup(t *testing.T) {
	weekdays9to5 := Schedule{Start: "2026-01-05T09:00:00.000", End: "2026-01-05T17:00:00.000", RRule: "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;"}
	for _, tc := range []struct {
		name     string
		group    ScheduleGroup
		from, to string
		want     []string
	}{
		{"weekdays", ScheduleGroup{TimeZone: "Europe/Berlin", OpenSchedules: []Schedule{weekdays9to5}},
			"2026-03-27T12:00", "2026-03-30T12:00",
			[]string{"03-27T12:00 open", "03-27T17:00 closed", "03-30T09:00 open"}},
		{"not before the start", ScheduleGroup{TimeZone: "Europe/Berlin", OpenSchedules: []Schedule{weekdays9to5}},
			"2026-01-02T09:00", "2026-01-05T10:00",
			[]string{"01-02T09:00 closed", "01-05T09:00 open"}},
		{"a start that does not match is no occurrence", ScheduleGroup{TimeZone: "Europe/Berlin", OpenSchedules: []Schedule{
			{Start: "2026-01-03T09:00", End: "2026-01-03T17:00", RRule: "FREQ=WEEKLY;BYDAY=MO"}}},
			"2026-01-03T00:00", "2026-01-05T10:00",
			[]string{"01-03T00:00 closed", "01-05T09:00 open"}},
		{"holiday beats closed beats open", ScheduleGroup{TimeZone: "Europe/Berlin",
			OpenSchedules:    []Schedule{weekdays9to5},
			ClosedSchedules:  []Schedule{{Start: "2026-03-02T12:00:00", End: "2026-03-02T14:00:00"}},
			HolidaySchedules: []Schedule{{Start: "2026-03-02T13:00:00", End: "2026-03-02T15:00:00"}}},
			"2026-03-02T09:00", "2026-03-02T18:00",
			[]string{"03-02T09:00 open", "03-02T12:00 closed", "03-02T13:00 holiday", "03-02T15:00 open", "03-02T17:00 closed"}},
		{"inactive and deleted do not count", ScheduleGroup{TimeZone: "Europe/Berlin",
			OpenSchedules:    []Schedule{weekdays9to5, {State: "inactive", Start: "2026-03-02T00:00", End: "2026-03-03T00:00"}},
			ClosedSchedules:  []Schedule{{State: "deleted", Start: "broken", End: "broken", RRule: "broken"}},
			HolidaySchedules: []Schedule{{State: "inactive", Start: "2026-03-02T13:00:00", End: "2026-03-02T15:00:00"}}},
			"2026-03-02T08:00", "2026-03-02T18:00",
			[]string{"03-02T08:00 closed", "03-02T09:00 open", "03-02T17:00 closed"}},
		{"over midnight", ScheduleGroup{TimeZone: "Europe/Berlin", OpenSchedules: []Schedule{daily("2026-01-01T22:00", "2026-01-02T06:00")}},
			"2026-03-28T12:00", "2026-03-29T23:00",
			[]string{"03-28T12:00 closed", "03-28T22:00 open", "03-29T06:00 closed", "03-29T22:00 open"}},
		{"several days long", ScheduleGroup{TimeZone: "Europe/Berlin", OpenSchedules: []Schedule{
			{Start: "2026-01-05T00:00", End: "2026-01-10T00:00", RRule: "FREQ=WEEKLY;INTERVAL=2"}}},
			"2026-03-01T00:00", "2026-03-15T00:00",
			[]string{"03-01T00:00 closed", "03-02T00:00 open", "03-07T00:00 closed"}},
		{"microseconds", ScheduleGroup{TimeZone: "UTC", OpenSchedules: []Schedule{{Start: "2026-03-02T09:00:00.000000", End: "2026-03-02T10:00:00.5"}}},
			"2026-03-02T08:00", "2026-03-02T11:00",
			[]string{"03-02T08:00 closed", "03-02T09:00 open", "03-02T10:00 closed"}},
		{"yearly holiday on the leap day", ScheduleGroup{TimeZone: "UTC", OpenSchedules: []Schedule{daily("2020-01-01T00:00", "2020-01-02T00:00")},
			HolidaySchedules: []Schedule{{Start: "2020-02-29T00:00", End: "2020-03-01T00:00", RRule: "FREQ=YEARLY"}}},
			"2028-02-28T00:00", "2028-03-02T00:00",
			[]string{"02-28T00:00 open", "02-29T00:00 holiday", "03-01T00:00 open"}},
		{"month's last day", ScheduleGroup{TimeZone: "UTC", OpenSchedules: []Schedule{daily("2020-01-01T00:00", "2020-01-02T00:00")},
			ClosedSchedules: []Schedule{{Start: "2026-01-31T00:00", End: "2026-02-01T00:00", RRule: "FREQ=MONTHLY;BYMONTHDAY=-1"}}},
			"2026-02-27T00:00", "2026-03-02T00:00",
			[]string{"02-27T00:00 open", "02-28T00:00 closed", "03-01T00:00 open"}},
		{"no midnight", ScheduleGroup{TimeZone: "America/Santiago", OpenSchedules: []Schedule{daily("2026-01-01T00:00", "2026-01-01T08:00")}},
			"2026-09-05T20:00", "2026-09-06T20:00",
			[]string{"09-05T20:00 closed", "09-06T01:00 open", "09-06T08:00 closed"}},
		{"a closure that spring skips to after its end", ScheduleGroup{TimeZone: "Europe/Berlin",
			OpenSchedules:   []Schedule{daily("2026-01-01T00:00", "2026-01-02T00:00")},
			ClosedSchedules: []Schedule{daily("2026-01-01T02:15", "2026-01-01T03:00")}},
			"2026-03-28T12:00", "2026-03-30T12:00",
			[]string{"03-28T12:00 open", "03-30T02:15 closed", "03-30T03:00 open"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := mustCompile(t, Config{ScheduleGroup: &tc.group})
			loc, err := loadZone(tc.group.TimeZone)
			if err != nil {
				t.Fatal(err)
			}
			from, to := wallTime(t, tc.from), wallTime(t, tc.to)
			clock := newWallClock(loc, from, to)
			var got []string
			var open int64
			for _, i := range c.Intervals(clock.instant(from), clock.instant(to)) {
				got = append(got, time.UnixMilli(i.From).In(loc).Format("01-02T15:04 ")+i.State.String())
				if i.State == Open {
					open += i.To - i.From
				}
			}
			if elapsed := c.Elapsed(clock.instant(from), clock.instant(to)); elapsed != open {
				t.Errorf("%d ms are counted, the open stretches have %d", elapsed, open)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCountBoundsASchedule(t *testing.T) {
	c := mustCompile(t, Config{ScheduleGroup: &ScheduleGroup{TimeZone: "UTC", OpenSchedules: []Schedule{
		{Start: "2026-01-05T09:00", End: "2026-01-05T17:00", RRule: "FREQ=WEEKLY;COUNT=3;BYDAY=MO,TU"}}}})
	if got := c.Elapsed(at(t, "2026-01-01T00:00:00Z"), at(t, "2040-01-01T00:00:00Z")); got != 3*8*msPerHour {
		t.Errorf("%d h", got/msPerHour)
	}
	if c.OpensWithin(at(t, "2026-01-12T17:00:00Z")) {
		t.Error("opens after its last occurrence")
	}
}

func TestCompileProblems(t *testing.T) {
	hours := week("mon", "09:00-17:00")
	group := func(s Schedule) Config {
		return Config{ScheduleGroup: &ScheduleGroup{TimeZone: "UTC", OpenSchedules: []Schedule{s}}}
	}
	rule := func(r string) Config {
		return group(Schedule{Start: "2026-01-05T09:00", End: "2026-01-05T17:00", RRule: r})
	}
	const first = "schedule_group.openSchedules[0]"
	for _, tc := range []struct {
		name   string
		cfg    Config
		fields []string
	}{
		{"nothing", Config{}, []string{"timezone", "weekly"}},
		{"unknown zone", inZone("Europe/Berln", hours), []string{"timezone"}},
		{"local zone", inZone("Local", hours), []string{"timezone"}},
		{"no windows", inZone("UTC", map[string][]string{"mon": {}}), []string{"weekly"}},
		{"unknown day", inZone("UTC", map[string][]string{"mon": {"09:00-17:00"}, "monday": {"09:00-17:00"}, "Tue": nil}), []string{"weekly.Tue", "weekly.monday"}},
		{"windows", inZone("UTC", week("mon", "9-17", "09:00-25:00", "09:60-10:00", "24:00-06:00", "09:00-24:01", "09:00-09:00", "00:00-00:00", "09:00–17:00", "-9:00-17:00", "")),
			[]string{"weekly.mon[0]", "weekly.mon[1]", "weekly.mon[2]", "weekly.mon[3]", "weekly.mon[4]", "weekly.mon[5]", "weekly.mon[6]", "weekly.mon[7]", "weekly.mon[8]", "weekly.mon[9]"}},
		{"holidays", inZone("UTC", hours, "2026-02-28", "2026-02-29", "25.12.2026"), []string{"holidays[1]", "holidays[2]"}},
		{"closed", Config{Timezone: "UTC", Weekly: hours, Closed: []Stretch{
			{"2026-05-04T10:00:00Z", "2026-05-04T10:00:00Z"}, {"2026-05-04T10:00:00", "tomorrow"}}}, []string{"closed[0].to", "closed[1].from", "closed[1].to"}},
		{"both forms", Config{Timezone: "UTC", Weekly: hours, ScheduleGroupID: "x"}, []string{"schedule_group"}},
		{"group without anything", Config{ScheduleGroup: &ScheduleGroup{}}, []string{"schedule_group.timeZone", "schedule_group.openSchedules"}},
		{"only inactive", group(Schedule{State: "inactive", Start: "2026-01-05T09:00", End: "2026-01-05T17:00"}), []string{"schedule_group.openSchedules"}},
		{"state", group(Schedule{State: "paused", Start: "2026-01-05T09:00", End: "2026-01-05T17:00"}), []string{first + ".state", "schedule_group.openSchedules"}},
		{"ends when it starts", group(Schedule{Start: "2026-01-05T09:00", End: "2026-01-05T09:00:00.000"}), []string{first + ".end"}},
		{"times", group(Schedule{Start: "2026-01-05T09:00:00Z", End: "2026-01-05"}), []string{first + ".start", first + ".end"}},
		{"six years a time", group(Schedule{Start: "2026-01-05T09:00", End: "2032-01-05T09:00", RRule: "FREQ=DAILY"}), []string{first + ".end"}},
		{"no rule", rule("every day"), []string{first + ".rrule"}},
		{"no frequency", rule("BYDAY=MO"), []string{first + ".rrule"}},
		{"unknown part", rule("FREQ=DAILY;FOO=1"), []string{first + ".rrule"}},
		{"part twice", rule("FREQ=DAILY;COUNT=1;COUNT=2"), []string{first + ".rrule"}},
		{"own start", rule("FREQ=DAILY;DTSTART=20260101T000000"), []string{first + ".rrule"}},
		{"bad until", rule("FREQ=DAILY;UNTIL=2026-12-31"), []string{first + ".rrule"}},
		{"no interval", rule("FREQ=DAILY;INTERVAL=0"), []string{first + ".rrule"}},
		{"no count", rule("FREQ=DAILY;COUNT=0"), []string{first + ".rrule"}},
		{"month 13", rule("FREQ=YEARLY;BYMONTH=13"), []string{first + ".rrule"}},
		{"30 February", rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), []string{first + ".rrule"}},
		{"hours never met", rule("FREQ=HOURLY;INTERVAL=2;BYHOUR=10"), []string{first + ".rrule"}},
		{"until before the start", rule("FREQ=DAILY;UNTIL=20251231T235959Z"), []string{first + ".rrule"}},
		{"every second", rule("FREQ=SECONDLY"), []string{first + ".rrule"}},
		{"every four minutes", rule("FREQ=MINUTELY;INTERVAL=4"), []string{first + ".rrule"}},
		{"every minute of a day", rule("FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=" + sixty), []string{first + ".rrule"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Compile(tc.cfg)
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v", err)
			}
			var fields []string
			for _, p := range problems {
				fields = append(fields, p.Field)
				t.Log(p.Field + ": " + p.Message)
			}
			if diff := cmp.Diff(tc.fields, fields); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const sixty = "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59"

func TestCompileAccepts(t *testing.T) {
	for _, text := range []string{
		"FREQ=MINUTELY;INTERVAL=5", "FREQ=DAILY;BYHOUR=1,2,3,4;BYMINUTE=" + sixty, "FREQ=SECONDLY;COUNT=3", "FREQ=SECONDLY;BYHOUR=9;BYMINUTE=0;BYSECOND=0",
		"RRULE:FREQ=DAILY;;", "freq=weekly; byday=mo, tu", "FREQ=DAILY;COUNT=1000000000", "FREQ=YEARLY;INTERVAL=1000000000",
	} {
		cfg := Config{ScheduleGroup: &ScheduleGroup{TimeZone: "UTC", OpenSchedules: []Schedule{{Start: "2026-01-05T09:00", End: "2026-01-05T09:01", RRule: text}}}}
		if _, err := Compile(cfg); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSynced(t *testing.T) {
	cfg := Config{ScheduleGroupID: "0f1e0000-0000-4000-8000-000000000000"}
	if !cfg.Synced() || mustCompile(t, cfg) != Always() {
		t.Error("a schedule group without content is not always")
	}
	cfg.ScheduleGroup = &ScheduleGroup{TimeZone: "UTC", OpenSchedules: []Schedule{daily("2026-01-05T09:00", "2026-01-05T17:00")}}
	if cfg.Synced() || mustCompile(t, cfg) == Always() {
		t.Error("a schedule group with content is always")
	}
}
