package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/connectors/genesys/simulator"
	"unpark/internal/localtest"
	"unpark/internal/lockstep"
	"unpark/internal/truthtest"
)

// weekStart is a Monday, hours before anybody works.
var weekStart = time.Date(2026, 3, 2, 5, 0, 0, 0, time.UTC)

const (
	weekSpeed = 1440 // a day in a minute, at most
	weekLeash = 2 * time.Minute
	// weekPartitions of each topic.
	weekPartitions = 4
)

// week is simulated organisations, the queue that EventBridge would deliver to,
// and unpark as processes of its own, all of which live by one hurried clock that
// waits for them.
type week struct {
	*deployment
	orgs  []*truthtest.Org
	queue *queue
	api   *httptest.Server
	lead  *clock.Lead
	watch *lockstep.Watch
	start time.Time
	file  string // of the clock
	mode  string // of actions
	// around, if there is one, stands before the API.
	around func(http.Handler) http.Handler
	// calendar is the office hours, unless they are the ones that everybody works.
	calendar func(o *truthtest.Org) string
	// troubled, if there is one, says that the API of an org is out of order.
	troubled func(org string, now time.Time) bool

	processes map[string]*process
	folders   map[string]string
	lives     int // of all processes
}

// newWeek founds n organisations; the time stands still until play.
func newWeek(t *testing.T, n int, start time.Time, mode string, change func(int, *simulator.Config)) *week {
	t.Helper()
	broker, sqs := localtest.SharedKafka(t), localtest.SharedElasticMQ(t)
	w := &week{
		deployment: undeployed(t, broker, ""), start: start, file: filepath.Join(t.TempDir(), "clock.json"), mode: mode,
		around:    func(h http.Handler) http.Handler { return h },
		processes: make(map[string]*process), folders: make(map[string]string),
	}
	w.queue = createQueue(t, sqs, w.prefix[:len(w.prefix)-1], nil)
	w.sources = w.queue.source()
	var err error
	if w.lead, err = clock.NewLead(start, weekSpeed, w.file); err != nil {
		t.Fatal(err)
	}
	w.found(n, change)
	var region []*simulator.Org
	for _, o := range w.orgs {
		region = append(region, o.Org)
	}
	handler := simulator.NewRegion(region...)
	w.api = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.around(handler).ServeHTTP(rw, r) }))
	t.Cleanup(w.api.Close)
	w.watch, err = lockstep.New(lockstep.Config{
		Kafka: []kgo.Opt{kgo.SeedBrokers(broker)}, Prefix: w.prefix, Group: w.prefix[:len(w.prefix)-1] + "-processor", Partitions: weekPartitions, Lead: w.lead, Leash: weekLeash,
		Excused: func(org string, now time.Time) bool { return w.troubled != nil && w.troubled(org, now) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// found makes the organisations: the first promises around the clock, the others
// in their office hours, in zones of their own.
func (w *week) found(n int, change func(int, *simulator.Config)) {
	w.t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range n {
		c := simulator.Config{
			ID: fmt.Sprintf("0000000%d-0000-4000-8000-00000000d310", i), Name: fmt.Sprint("org-", i), Seed: 1,
			Now: w.lead.Clock().Now, Zone: []*time.Location{nil, berlin, time.UTC}[i],
			Delivery: simulator.Delivery{Delay: 3 * time.Second, Late: 0.01, LateBy: 10 * time.Minute, Duplicates: 0.05},
		}
		if change != nil {
			change(i, &c)
		}
		o, err := simulator.New(c)
		if err != nil {
			w.t.Fatal(err)
		}
		w.orgs = append(w.orgs, &truthtest.Org{Org: o, Zone: c.Zone})
	}
}

const weekOrg = `id: %s
timezone: %s
checks: on
genesys: {api: "%s", client_id: "file:id-%d", client_secret: "file:secret-%d"}
actions: {mode: %s, per_hour: 1000}
policies:
  - name: all
    match: {media: [email, message]}
    objectives:
      - {objective: reply, hours: %s, tiers: [{at: 3h30m, kind: warning, notify: [managers]}, {at: 4h, kind: breach, notify: [managers]}]}
      - {objective: open, hours: always, tiers: [{at: 48h, kind: action, action: requeue, notify: [managers]}]}
calendars:
  office: %s
routes:
  managers: [{terminal: {}}]
`

// office is the folder of a process that lives by the simulated time.
func (w *week) office(name string) string {
	w.t.Helper()
	dir := w.folder(name)
	for i := range orgs {
		w.remove(filepath.Join(dir, "orgs", fmt.Sprintf("org-%d.yaml", i+1)))
	}
	w.edit(dir, "secrets_dir:", fmt.Sprintf("simulation: {clock: %q}\nsecrets_dir:", w.file))
	w.edit(dir, "processor: {", "processor: {commit_interval: 10ms, ")
	for i, o := range w.orgs {
		hours, zone := "always", "UTC"
		if o.Zone != nil {
			hours, zone = "office", o.Zone.String()
		}
		calendar := fmt.Sprintf(`{timezone: %s, weekly: {mon: &day ["09:00-17:00"], tue: *day, wed: *day, thu: *day, fri: *day}}`, zone)
		if w.calendar != nil {
			calendar = w.calendar(o)
		}
		id, secret := o.Client()
		w.write(filepath.Join(dir, fmt.Sprint("id-", i)), id)
		w.write(filepath.Join(dir, fmt.Sprint("secret-", i)), secret)
		w.write(filepath.Join(dir, "orgs", fmt.Sprintf("week-%d.yaml", i)), fmt.Sprintf(weekOrg, o.ID(), zone, w.api.URL, i, i, w.mode, hours, calendar))
	}
	return dir
}

// play starts the processes and lets time pass until end; meanwhile, if there is
// one, is called as soon as they are ready.
func (w *week) play(end time.Time, meanwhile func()) {
	w.t.Helper()
	w.publish()
	w.open("bridge", "processor-1", "processor-2", "verifier")
	w.pass(end, meanwhile)
}

// publish makes the topics and puts the orgs' files in force, from the folder admin.
func (w *week) publish() {
	w.t.Helper()
	w.folders["admin"] = w.office("admin")
	w.unpark("topics", "create", "--config", w.folders["admin"])
	w.unpark("config", "apply", "--config", w.folders["admin"])
}

// open starts processes, and waits until they do their work.
func (w *week) open(names ...string) {
	w.t.Helper()
	for _, name := range names {
		w.folders[name] = w.office(name)
		w.begin(name)
	}
	for _, p := range w.processes {
		p.ready()
	}
}

// pass lets time pass until end.
func (w *week) pass(end time.Time, meanwhile func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	var playing sync.WaitGroup
	failed := make(chan error, 1+len(w.orgs))
	playing.Go(func() { failed <- w.watch.Run(ctx) })
	for _, o := range w.orgs {
		playing.Go(func() {
			failed <- o.Run(ctx, w.lead.Clock(), func(all []simulator.Delivered) error { return w.send(ctx, all) })
		})
	}
	begun := time.Now()
	if meanwhile != nil {
		meanwhile()
	}
	w.until(end, failed)
	took := time.Since(begun)
	cancel()
	playing.Wait()
	w.t.Logf("%v in %v, %.0f times as fast as the wall clock; a request was read %v after it was made at the latest",
		end.Sub(w.start), took.Round(time.Second), end.Sub(w.start).Seconds()/took.Seconds(), w.watch.Unseen())
	for _, p := range w.processes {
		p.stop()
	}
}

// until waits until the clock shows t.
func (w *week) until(t time.Time, failed <-chan error) {
	w.t.Helper()
	err := poll(w.t, time.Now().Add(time.Hour), func() error {
		select {
		case err := <-failed:
			w.t.Fatalf("the simulation ended: %v", err)
		default:
		}
		if now := w.lead.Clock().Now(); now.Before(t) {
			return fmt.Errorf("it is %v", now)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// send hands envelopes to the queue; the clock waits until the bridge has them.
func (w *week) send(ctx context.Context, all []simulator.Delivered) error {
	w.watch.Sent(len(all), w.lead.Clock().Now())
	var bodies [][]byte
	for _, d := range all {
		bodies = append(bodies, d.Envelope)
	}
	for len(bodies) > 0 {
		n := min(sqsBatch, len(bodies))
		if err := w.queue.sendBatch(ctx, bodies[:n]); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		bodies = bodies[n:]
	}
	return nil
}

// begin starts a process, or starts it again.
func (w *week) begin(name string) {
	w.lives++
	role := name
	if name != "bridge" && name != "verifier" {
		role = "processor"
	}
	w.processes[name] = w.runFolder(fmt.Sprint(name, "-life-", w.lives), w.folders[name], role)
}
