package calendar

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A schedule whose start its own rule leaves out is doubtful, not wrong.
func TestDoubts(t *testing.T) {
	const monday = "2026-01-05T09:00:00.000"
	for _, tc := range []struct{ name, start, rule, state, want string }{
		{"fits", monday, "FREQ=WEEKLY;BYDAY=MO,TU", "", ""},
		{"once", monday, "", "", ""},
		{"another weekday", monday, "FREQ=WEEKLY;BYDAY=TU,WE", "",
			`schedule_group.openSchedules[0].start: 2026-01-05T09:00:00.000 is Monday, which "FREQ=WEEKLY;BYDAY=TU,WE" does not match: the schedule begins on Tuesday 2026-01-06T09:00:00; write that as start`},
		{"another day of the month", "2026-01-01T09:00", "FREQ=MONTHLY;BYMONTHDAY=12;BYDAY=TH,FR", "",
			`schedule_group.openSchedules[0].start: 2026-01-01T09:00 is Thursday, which "FREQ=MONTHLY;BYMONTHDAY=12;BYDAY=TH,FR" does not match: the schedule begins on Thursday 2026-02-12T09:00:00; write that as start`},
		{"does not count", monday, "FREQ=WEEKLY;BYDAY=TU", stateInactive, ""},
		{"wrong anyway", monday, "FREQ=WEEKLY;BYDAY=XX", "", ""},
	} {
		cfg := Config{ScheduleGroup: &ScheduleGroup{TimeZone: "Europe/Berlin",
			OpenSchedules: []Schedule{{Start: tc.start, End: "2026-01-05T17:00", RRule: tc.rule, State: tc.state}}}}
		got := ""
		if doubts := Doubts(cfg); len(doubts) > 0 {
			got = doubts.Error()
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
