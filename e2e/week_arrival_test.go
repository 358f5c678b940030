package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"unpark/connectors/genesys/simulator"
	"unpark/internal/truthtest"
)

// unpark comes to an office where somebody has been waiting since the morning: a
// backfill finds the conversation, of which no event has told, and the opening hours
// are those that Genesys has, also after somebody there has changed them.
func TestArrival(t *testing.T) {
	parallel(t)
	start := weekStart.Add(7*time.Hour + 20*time.Minute)
	w := newWeek(t, 1, start, "dry_run", func(_ int, c *simulator.Config) { c.Zone = time.UTC })
	o := w.orgs[0]
	w.calendar = func(o *truthtest.Org) string { return fmt.Sprintf("{schedule_group_id: %q}", o.ScheduleGroups()[0].ID) }
	id := o.Open(simulator.Opening{Media: simulator.Message, At: weekStart.Add(time.Hour)}, func(s *simulator.Script) {
		s.Wait(time.Minute)
		s.Take()
		s.Wait(time.Minute)
		s.Park()
	})
	if lost := o.Deliver(start); len(lost) == 0 {
		t.Fatal("nothing has happened before unpark came")
	}

	w.publish()
	first := w.schedules()
	if first == "" {
		t.Error("config apply has not asked Genesys for the office hours")
	}
	o.EditSchedule(o.Schedules()[0].ID, func(s *simulator.Schedule) { s.Start = "2026-01-05T10:00:00.000" })
	w.open("bridge", "processor-1", "verifier")
	eventually(t, time.Minute, "the office hours as changed in Genesys are in force", func() error {
		if w.schedules() == first {
			return errNotYet
		}
		return nil
	})
	found := w.unpark("backfill", "week-0", "--config", w.folders["admin"])
	if !strings.Contains(found, "1 open in Genesys, 0 of them known; 1 opened") {
		t.Errorf("the backfill found\n%s", found)
	}
	want := weekStart.Add(8*time.Hour + 30*time.Minute) // 10:00 and 3h30m
	end := want.Add(10 * time.Minute)
	w.pass(end, nil)

	told := w.read(end).told
	if len(told) != 1 || told[0].Conversation != id || told[0].Kind != "warning" || !told[0].Due.Time().Equal(want) || !told[0].Verified {
		t.Errorf("told %+v, want a verified warning of %s, due %v", told, id, want)
	}
}

var schedulesVersion = regexp.MustCompile(`schedules version (\w+),.*\n.* synced from Genesys: open Office hours`)

// schedules is the version of the schedule groups that is in force.
func (w *week) schedules() string {
	w.t.Helper()
	shown := schedulesVersion.FindStringSubmatch(w.unpark("config", "show", "--config", w.folders["admin"], "--org", "week-0"))
	if shown == nil {
		return ""
	}
	return shown[1]
}
