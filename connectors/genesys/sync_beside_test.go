package genesys

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"unpark/clock"
	"unpark/connectors/genesys/simulator"
	"unpark/processor/calendar"
	"unpark/schemas"
)

// What somebody else publishes while the groups are read is not undone by what was read:
// they are read again.
func TestSyncBesideApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlant(t, simulator.Unknowns{})
		stop := p.sync()
		time.Sleep(syncLook)
		p.want(1, "Mon 11:15", "Fri 19:15")
		p.EditSchedule(p.Schedules()[0].ID, func(s *simulator.Schedule) { s.End = "2026-01-05T18:00:00.000" })
		p.mu.Lock()
		p.onRead = func() { // with a group more, say
			p.onRead = nil
			groups, err := calendar.ParseGroups(p.content)
			if err != nil {
				t.Fatal(err)
			}
			groups["new"] = calendar.ScheduleGroup{TimeZone: "UTC"}
			content, err := groups.JSON()
			if err != nil {
				t.Fatal(err)
			}
			p.content = content
		}
		p.mu.Unlock()
		time.Sleep(syncEvery)
		if n := p.count(); n != 1 {
			t.Errorf("%d versions were published: the group that came meanwhile is gone", n)
		}
		time.Sleep(syncRetry + 2*syncLook)
		if n := p.count(); n != 2 {
			t.Errorf("%d versions were published, want the second once it is read again", n)
		}
		stop()
	})
}

// A sync of many schedules delays no breach, and an org that is busy for long does not
// keep it from its end.
func TestSyncBesideChecks(t *testing.T) {
	for name, c := range map[string]struct {
		schedules, checks int // checks a second, of 4.75 that may be made
		within            time.Duration
	}{
		"idle": {300, 0, 80 * time.Second},
		"busy": {60, 8, 3 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tw := newTwin()
				anyConversation(tw)
				refs := make([]string, c.schedules)
				for i := range refs {
					refs[i] = fmt.Sprintf(`{"id":"s%d"}`, i)
				}
				tw.answer("GET /api/v2/architect/schedulegroups/g", 200, `{"id":"g","timeZone":"Europe/Berlin","openSchedules":[`+strings.Join(refs, ",")+`]}`)
				tw.answer("GET /api/v2/architect/schedules/", 200, `{"start":"1999-01-04T09:00:00.000","end":"1999-01-04T17:00:00.000","rrule":"FREQ=DAILY"}`)
				set := connected(300)
				set.Calendars = map[string]calendarSettings{"c": {"g"}}
				b := openBureau(t, rulesOf{"o": set}, tw)
				known, err := calendar.Groups{"g": {TimeZone: "UTC"}}.JSON()
				if err != nil {
					t.Fatal(err)
				}
				out := &shelf{content: known}
				s := &syncer{
					clock: clock.Real(), log: slog.New(slog.DiscardHandler), metrics: b.metrics, configs: b.deps.Configs, schedules: out,
					mine:   func(string) bool { return true },
					client: func(org string) (settings, *Client) { return b.desk(org).configured() },
					orgs:   make(map[string]*synced),
				}
				go s.run(b.ctx)
				asked := make(map[string]time.Duration)
				for at := time.Duration(0); at < c.within; at += time.Second {
					for i := range c.checks {
						b.check("o", fmt.Sprint("ahead-", at, "-", i), schemas.Urgency_URGENCY_LOOK_AHEAD, 0)
					}
					if at%(10*time.Second) == 5*time.Second {
						id := fmt.Sprint("breach-", at)
						asked[id] = at
						b.check("o", id, schemas.Urgency_URGENCY_BREACH, 0)
					}
					time.Sleep(time.Second)
				}
				if n := out.count(); n != 1 {
					t.Errorf("%d times published within %v, want once", n, c.within)
				}
				for id, at := range asked {
					if a := b.results()[id]; a.result != "observed" || a.at-at > time.Second {
						t.Errorf("%s: %q after %v", id, a.result, a.at-at)
					}
				}
			})
		})
	}
}
