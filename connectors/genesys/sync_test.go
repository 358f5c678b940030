package genesys

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"unpark/clock"
	"unpark/connectors/genesys/simulator"
	"unpark/processor/calendar"
	"unpark/schemas"
)

// shelf is org-config as a syncer sees it.
type shelf struct {
	mu        sync.Mutex
	content   []byte
	published []string // versions, in order
	refuse    int      // so many are not taken
	onRead    func()   // called after a look at what is newest
}

func (s *shelf) NewestSchedules(string) ([]byte, string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.onRead != nil {
		defer s.onRead()
	}
	return s.content, schemas.ContentVersion(s.content), s.content != nil
}

func (s *shelf) PublishSchedules(_ context.Context, _ string, content []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse > 0 {
		s.refuse--
		return "", errors.New("no broker")
	}
	s.content = content
	s.published = append(s.published, schemas.ContentVersion(content))
	return schemas.ContentVersion(content), nil
}

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.published)
}

// due is when 3h30m that begin on a Friday at 16:45 are over in a group's hours.
func (s *shelf) due(t *testing.T, group string) string {
	t.Helper()
	content, _, ok := s.NewestSchedules("o")
	if !ok {
		return "no content"
	}
	groups, err := calendar.ParseGroups(content)
	if err != nil {
		t.Fatal(err)
	}
	g, ok := groups[group]
	if !ok {
		return "no content"
	}
	c, err := calendar.Compile(calendar.Config{ScheduleGroup: &g})
	if err != nil {
		t.Fatal(err)
	}
	due, _ := c.Add(time.Date(2026, 3, 6, 15, 45, 0, 0, time.UTC).UnixMilli(), (210 * time.Minute).Milliseconds())
	return time.UnixMilli(due).UTC().Format("Mon 15:04")
}

// diary is a log that may be read while it is written.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// plant is an org whose calendars are its schedule groups, and who syncs them.
type plant struct {
	t *testing.T
	*simulator.Org
	*shelf
	office, hotline string
	rules           *edited
	log             diary
	metrics         *metrics
	owned           atomic.Bool
	clock           clock.Clock
}

func newPlant(t *testing.T, unknowns simulator.Unknowns) *plant {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	clk := clock.Scaled(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), 1)
	org, err := simulator.New(simulator.Config{ID: "o", Seed: 1, Now: clk.Now, Zone: berlin, Unknowns: unknowns,
		ClientID: "the-id", ClientSecret: "the-secret"})
	if err != nil {
		t.Fatal(err)
	}
	groups := org.ScheduleGroups()
	p := &plant{t: t, Org: org, shelf: &shelf{}, office: groups[0].ID, hotline: groups[1].ID, rules: &edited{}, clock: clk}
	p.owned.Store(true)
	p.name(p.office, p.hotline)
	return p
}

// name has the org's calendars name schedule groups.
func (p *plant) name(groups ...string) {
	s := connected(300)
	s.Calendars = make(map[string]calendarSettings)
	for _, g := range groups {
		s.Calendars["c-"+g] = calendarSettings{g}
	}
	p.rules.Store(&rulesOf{"o": s})
}

// sync syncs until the function that is returned is called.
func (p *plant) sync() (stop func()) {
	p.metrics = newMetrics(prometheus.NewRegistry())
	log := slog.New(slog.NewTextHandler(&p.log, nil))
	ctx, cancel := context.WithCancel(p.t.Context())
	d := &desk{org: "o", log: log, office: newOffice(ctx, officeDeps{
		Clock: p.clock, Log: log, Configs: p.rules, Resolve: resolveTest, Transport: served{simulator.NewRegion(p.Org)},
	}, p.metrics)}
	s := &syncer{
		clock: p.clock, log: log, metrics: p.metrics, configs: p.rules, schedules: p.shelf,
		mine:   func(string) bool { return p.owned.Load() },
		client: func(string) (settings, *Client) { return d.configured() },
		orgs:   make(map[string]*synced),
	}
	done := make(chan struct{})
	go func() { defer close(done); s.run(ctx) }()
	return func() { cancel(); <-done }
}

// served answers in memory, as a connection that breaks off would.
type served struct{ http.Handler }

func (s served) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil {
			resp, err = nil, errors.New("connection reset")
		}
	}()
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	resp = rec.Result()
	resp.Request = r
	return resp, nil
}

func (p *plant) want(published int, office, hotline string) {
	p.t.Helper()
	if n := p.count(); n != published {
		p.t.Errorf("%d versions were published, want %d", n, published)
	}
	if o, h := p.due(p.t, p.office), p.due(p.t, p.hotline); o != office || h != hotline {
		p.t.Errorf("office %s, hotline %s, want %s and %s", o, h, office, hotline)
	}
}

func (p *plant) wantStale(groups float64, said string) {
	p.t.Helper()
	if n := testutil.ToFloat64(p.metrics.groups.WithLabelValues("o")); n != groups {
		p.t.Errorf("%v groups are not taken over, want %v", n, groups)
	}
	n := 0
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, "level=ERROR") && strings.Contains(line, said) {
			n++
		}
	}
	if said != "" && n != 1 {
		p.t.Errorf("%q is said %d times, want once:\n%s", said, n, p.log.String())
	}
}

// What Genesys has is in force within 15 minutes, and only a change is published.
func TestSyncFollowsGenesys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlant(t, simulator.Unknowns{})
		stop := p.sync()
		time.Sleep(time.Second)
		p.want(1, "Mon 11:15", "Fri 19:15")
		time.Sleep(time.Hour + time.Minute) // each reading takes a second itself
		p.want(1, "Mon 11:15", "Fri 19:15")
		if n := p.Calls()["GET /api/v2/architect/schedules/{schedule} 200"]; n != 15 {
			t.Errorf("%d schedules were read in an hour, want 3 five times", n)
		}
		p.EditSchedule(p.Schedules()[0].ID, func(s *simulator.Schedule) { s.End = "2026-01-05T18:00:00.000" })
		time.Sleep(syncEvery)
		p.want(2, "Mon 10:15", "Fri 19:15")
		p.wantStale(0, "")

		// Whoever begins cannot know whether the activations were written.
		stop()
		stop = p.sync()
		time.Sleep(time.Second)
		p.want(3, "Mon 10:15", "Fri 19:15")

		// Rules that name other groups do not wait.
		p.name(p.hotline)
		time.Sleep(syncLook)
		p.want(4, "no content", "Fri 19:15")
		p.name(p.office, p.hotline)
		time.Sleep(syncLook)
		p.want(5, "Mon 10:15", "Fri 19:15")
		stop()
	})
}

// What cannot be taken over is said once, and the last good content stays; another
// group of the org goes on.
func TestSyncKeepsWhatWasGood(t *testing.T) {
	schedule := func(i int, edit func(*simulator.Schedule)) func(*plant) {
		return func(p *plant) { p.EditSchedule(p.Schedules()[i].ID, edit) }
	}
	group := func(edit func(*simulator.ScheduleGroup)) func(*plant) {
		return func(p *plant) { p.EditScheduleGroup(p.office, edit) }
	}
	refused := func(path func(*plant) string) func(*plant) {
		return func(p *plant) {
			p.Break(simulator.Fault{Path: "/api/v2/architect/" + path(p), Kind: simulator.Answer, Status: http.StatusForbidden})
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*plant)
		said   string
	}{
		{"a group of another division", refused(func(p *plant) string { return "schedulegroups/" + p.office }), "may not be read (forbidden)"},
		{"a schedule of another division", refused(func(p *plant) string { return "schedules/" + p.Schedules()[0].ID }), "may not be read (forbidden)"},
		{"a schedule is inactive", schedule(2, func(s *simulator.Schedule) { s.State = "inactive" }), `is inactive; it has counted until now`},
		{"a schedule is deleted", schedule(0, func(s *simulator.Schedule) { s.State = "deleted" }), `it has counted until now`},
		{"a group is inactive", group(func(g *simulator.ScheduleGroup) { g.State = "inactive" }), `is inactive`},
		{"a group is deleted", group(func(g *simulator.ScheduleGroup) { g.State = "deleted" }), "schedule group"},
		{"no open schedule", group(func(g *simulator.ScheduleGroup) { g.Open = nil }), "has no active schedule"},
		{"no zone", group(func(g *simulator.ScheduleGroup) { g.TimeZone = "Mars/Base" }), "Mars/Base"},
		{"no rule", schedule(0, func(s *simulator.Schedule) { s.RRule = "FREQ=SOMETIMES" }), "SOMETIMES"},
		{"never again", schedule(0, func(s *simulator.Schedule) { s.RRule, s.Start, s.End = "", "2020-01-06T09:00", "2020-01-06T17:00" }), "does not open within five years"},
		{"no times", schedule(0, func(s *simulator.Schedule) { s.Start = "soon" }), "soon"},
	} {
		for _, gone := range []bool{false, true} {
			name := tt.name
			if gone {
				name += ", gone is 404"
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newPlant(t, simulator.Unknowns{DeletedIsGone: gone})
					stop := p.sync()
					time.Sleep(time.Second)
					tt.change(p)
					time.Sleep(3 * syncEvery)
					p.want(1, "Mon 11:15", "Fri 19:15")
					p.wantStale(1, tt.said)
					p.EditSchedule(p.Schedules()[1].ID, func(s *simulator.Schedule) { s.End = "2026-01-01T12:00:00.000" })
					time.Sleep(syncEvery)
					p.want(2, "Mon 11:15", "Sat 02:30")
					p.wantStale(1, tt.said)
					stop()
				})
			})
		}
	}
}

// A schedule that never counted does not keep its group from being taken over.
func TestSyncWithoutWhatNeverCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlant(t, simulator.Unknowns{})
		p.EditSchedule(p.Schedules()[2].ID, func(s *simulator.Schedule) { s.State = "inactive" })
		p.name(p.office, p.hotline, "0f1e0000-0000-4000-8000-000000000000")
		stop := p.sync()
		time.Sleep(syncLook)
		p.want(1, "Mon 11:15", "Fri 19:15")
		p.wantStale(2, "does not count")
		p.wantStale(2, "there is no such schedule group")
		p.EditSchedule(p.Schedules()[0].ID, func(s *simulator.Schedule) { s.End = "2026-01-05T18:00:00.000" })
		time.Sleep(syncEvery + syncLook)
		p.want(2, "Mon 10:15", "Fri 19:15")
		stop()
	})
}

// While the org's API is in trouble the last content stays, and it is read again a
// minute later; what it sends is bounded.
func TestSyncInTrouble(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"503":          {Kind: simulator.Answer, Status: 503},
		"dead":         {Kind: simulator.Dead},
		"50 MB":        {Kind: simulator.Huge},
		"half of JSON": {Kind: simulator.Garbled},
		"another host": {Kind: simulator.Redirect, Location: "https://elsewhere.example/"},
		"a quota":      {Kind: simulator.Answer, Status: 429, RetryAfter: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlant(t, simulator.Unknowns{})
				stop := p.sync()
				time.Sleep(time.Second)
				mend := p.Break(fault)
				p.EditSchedule(p.Schedules()[0].ID, func(s *simulator.Schedule) { s.End = "2026-01-05T18:00:00.000" })
				time.Sleep(2 * syncEvery)
				p.want(1, "Mon 11:15", "Fri 19:15")
				p.wantStale(0, "schedule groups cannot be synced")
				if n := testutil.ToFloat64(p.metrics.syncs.WithLabelValues("o", "failed")); n == 0 {
					t.Error("no failed sync is counted")
				}
				mend()
				time.Sleep(fault.RetryAfter + 2*syncRetry)
				p.want(2, "Mon 10:15", "Fri 19:15")
				stop()
			})
		})
	}
}

func TestSyncNeedsItsPermissions(t *testing.T) {
	for _, permission := range []string{permissionGroup, permissionSchedule} {
		synctest.Test(t, func(t *testing.T) {
			p := newPlant(t, simulator.Unknowns{})
			p.Revoke(permission)
			stop := p.sync()
			time.Sleep(time.Second)
			p.want(0, "no content", "no content")
			p.wantStale(0, "answered 403 Forbidden")
			p.Grant(permission)
			time.Sleep(syncRetry + syncLook)
			p.want(1, "Mon 11:15", "Fri 19:15")
			stop()
		})
	}
}

// What is said of an org's groups is said no more once no calendar names them, or the
// org is gone.
func TestSyncForgets(t *testing.T) {
	for name, change := range map[string]func(*plant){
		"no calendar names one": func(p *plant) { p.name() },
		"no connection":         func(p *plant) { p.rules.Store(&rulesOf{"o": settings{}}) },
		"no org":                func(p *plant) { p.rules.Store(&rulesOf{}) },
		"another process's":     func(p *plant) { p.owned.Store(false) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlant(t, simulator.Unknowns{})
				p.name(p.office, "gone")
				defer p.sync()()
				series := func() int {
					return testutil.CollectAndCount(p.metrics.groups) + testutil.CollectAndCount(p.metrics.synced)
				}
				time.Sleep(time.Second)
				p.wantStale(1, "no such schedule group")
				rules := p.rules.Load()
				change(p)
				time.Sleep(syncLook)
				if n := series(); n != 0 {
					t.Errorf("%d series are left of the org", n)
				}
				p.rules.Store(rules)
				p.owned.Store(true)
				time.Sleep(syncLook + time.Second)
				if n := series(); n != 2 {
					t.Errorf("%d series of an org that is back, want 2", n)
				}
			})
		})
	}
}

// Two that sync one org at once, and brokers that are away for a while.
func TestSyncTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlant(t, simulator.Unknowns{})
		p.refuse = 2
		stops := []func(){p.sync(), p.sync()}
		time.Sleep(2*syncRetry + 3*syncLook) // the one sees the other's, and looks again
		p.want(2, "Mon 11:15", "Fri 19:15")
		if versions := slices.Compact(p.published); len(versions) != 1 {
			t.Errorf("versions %v, want one", versions)
		}
		p.owned.Store(false)
		time.Sleep(syncLook)
		calls := len(p.Calls())
		p.EditSchedule(p.Schedules()[0].ID, func(s *simulator.Schedule) { s.End = "2026-01-05T18:00:00.000" })
		time.Sleep(time.Hour)
		p.want(2, "Mon 11:15", "Fri 19:15")
		if n := len(p.Calls()); n != calls {
			t.Error("an org of another process is read")
		}
		for _, stop := range stops {
			stop()
		}
	})
}
