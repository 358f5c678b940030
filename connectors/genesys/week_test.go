package genesys

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"unpark/clock"
	"unpark/connectors/eventbridge"
	"unpark/connectors/genesys/simulator"
	"unpark/internal/truthtest"
	"unpark/processor"
	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

// week is unpark without Kafka, in a bubble: simulated organisations, the bridge's
// decoder, the processor's handler and the verifier's office, with the times that
// a machine which is never busy would take.
type week struct {
	t      *testing.T
	orgs   []*weekOrg
	driver *replay.Driver
	calls  chan func() error // what is done outside of the bubble, by the driver's goroutine
	called chan error
	office *office
	end    time.Time
	// blind is for how long after its due a tier may be told without a look, if
	// the conversation cannot be looked at: that, the retry after it, and the calls.
	blind time.Duration
	// within is how long an answer may take.
	within time.Duration
	// since is from when on unpark is there and knows what is open; zero: always.
	since time.Time
	// hears says whether an envelope that arrives is delivered; nil: all are.
	hears func(d simulator.Delivered, in *schemas.InputRecord) bool
	// beside goes on beside all that, with a sleep of its own between what it does.
	beside func(ctx context.Context)
	// daily are the organisations that the office compares with Genesys.
	daily []string
	// filled counts the facts that backfills have told; those that trickle are
	// applied one a second.
	filled   int
	trickles []*schemas.InputRecord

	applied, progressed time.Time // the last tick, and the last word of the bridge
	out                 []*schemas.GenesysRequest
	told                []*schemas.Escalation
	asks                map[string][]*truthtest.Ask // by conversation
	byID                map[string]*truthtest.Ask

	turn    sync.Mutex // of outside
	mu      sync.Mutex
	answers []*schemas.InputRecord
}

// weekOrg is an organisation and what it promises.
type weekOrg struct {
	truthtest.Org
	rate int // calls a minute; 0: as Genesys allows
	// unchecked orgs tell without a look.
	unchecked bool
	// strict is a channel of messages whose tiers are all breaches.
	strict string
}

// weekRules promise an answer within four hours, and look at what is open for two
// days.
const weekRules = `{"id": %q, "checks": %v, "policies": [{"name": "strict", "match": {"messageType": [%q]}, "objectives": [
  {"objective": "reply", "hours": "always", "tiers": [{"at": "3h30m", "kind": "breach"}, {"at": "4h", "kind": "breach"}]}]},
  {"name": "all", "objectives": [
  {"objective": "reply", "hours": %q, "tiers": [{"at": "3h30m", "kind": "warning"}, {"at": "4h", "kind": "breach"}]},
  {"objective": "open", "hours": "always", "tiers": [{"at": "48h", "kind": "action", "action": "requeue"}]}]}],
  "calendars": {"office": {"timezone": %q, "weekly": {"mon": ["09:00-17:00"], "tue": ["09:00-17:00"], "wed": ["09:00-17:00"],
    "thu": ["09:00-17:00"], "fri": ["09:00-17:00"]}}}}`

// Get implements processor.Configs: an org has one version.
func (w *week) Get(_ context.Context, key schemas.OrgConfigKey) ([]byte, bool, error) {
	for _, o := range w.orgs {
		if o.ID() != key.Org {
			continue
		}
		hours, zone := "always", "UTC"
		if o.Zone != nil {
			hours, zone = "office", o.Zone.String()
		}
		return fmt.Appendf(nil, weekRules, key.Org, !o.unchecked, cmp.Or(o.strict, "none"), hours, zone), true, nil
	}
	return nil, false, nil
}

// newWeek makes what lives outside of the bubble: the driver, since its store has
// goroutines of its own.
func newWeek(t *testing.T) *week {
	w := &week{
		t: t, blind: 30 * time.Minute, within: answerWithin, calls: make(chan func() error), called: make(chan error),
		asks: make(map[string][]*truthtest.Ask), byID: make(map[string]*truthtest.Ask),
	}
	handler := processor.NewHandler(t.Context(), processor.Config{
		Rules: processor.NewRules(w), Metrics: processor.NewMetrics(nil), Logger: slog.New(slog.DiscardHandler),
	})
	var err error
	if w.driver, err = replay.New(handler, w.emitted); err != nil {
		t.Fatal(err)
	}
	go func() {
		for call := range w.calls {
			w.called <- call()
		}
	}()
	t.Cleanup(func() { close(w.calls); _ = w.driver.Close() })
	return w
}

// outside calls f outside of the bubble, where time.Now is another.
func (w *week) outside(f func() error) {
	w.turn.Lock()
	defer w.turn.Unlock()
	w.calls <- f
	if err := <-w.called; err != nil {
		w.t.Fatal(err)
	}
}

// weekStart is a Monday, hours before anybody works.
var weekStart = time.Date(2026, 3, 2, 5, 0, 0, 0, time.UTC)

// found makes the organisations, at weekStart.
func (w *week) found(seed uint64, n int, change func(int, *simulator.Config)) {
	w.t.Helper()
	time.Sleep(time.Until(weekStart))
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		w.t.Fatal(err)
	}
	zones := []*time.Location{nil, berlin, time.UTC}
	for i := range n {
		c := simulator.Config{
			ID: fmt.Sprintf("org-%d", i), Seed: seed, Now: time.Now, Zone: zones[i],
			Delivery: simulator.Delivery{Delay: 3 * time.Second, Late: 0.01, LateBy: 10 * time.Minute, Duplicates: 0.05},
		}
		if change != nil {
			change(i, &c)
		}
		o, err := simulator.New(c)
		if err != nil {
			w.t.Fatal(err)
		}
		w.orgs = append(w.orgs, &weekOrg{Org: truthtest.Org{Org: o, Zone: zones[i]}})
	}
}

// run lets time pass until end.
func (w *week) run(end time.Time, transport http.RoundTripper) {
	w.t.Helper()
	w.end = end
	stop := w.open(transport)
	defer stop()
	w.outside(w.activate)
	if w.beside != nil {
		ctx, cancel := context.WithCancel(w.t.Context())
		var done sync.WaitGroup
		done.Go(func() { w.beside(ctx) })
		defer done.Wait()
		defer cancel()
	}
	for time.Now().Before(end) {
		w.second()
		time.Sleep(time.Second)
	}
}

// open opens the verifier's office; close ends it.
func (w *week) open(transport http.RoundTripper) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	rules, secrets := rulesOf{}, map[string]string{}
	for _, o := range w.orgs {
		id, secret := o.Client()
		conn := Connection{API: "https://api.twin.example", ClientID: "id " + o.ID(), ClientSecret: "secret " + o.ID(), RatePerMinute: o.rate}
		secrets[conn.ClientID], secrets[conn.ClientSecret] = id, secret
		s := settings{Genesys: &conn, Checks: !o.unchecked}
		s.Actions.Mode = "dry_run"
		rules[o.ID()] = s
	}
	w.office = newOffice(ctx, officeDeps{
		Clock: clock.Real(), Log: slog.New(slog.DiscardHandler), Configs: rules, Transport: transport,
		Resolve: func(ref string) (string, error) { return secrets[ref], nil },
		Produce: w.produce, States: w.states, Owns: func(org string) bool { return slices.Contains(w.daily, org) },
	}, newMetrics(prometheus.NewRegistry()))
	done := make(chan struct{})
	go func() { defer close(done); w.office.run() }()
	return func() { cancel(); <-done }
}

func (w *week) produce(_ context.Context, _ string, facts ...*schemas.InputRecord) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, facts...)
	return nil
}

func (w *week) activate() error {
	for _, o := range w.orgs {
		err := w.driver.Apply(&schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: &schemas.ConfigActivated{
			OrgId: o.ID(), Part: schemas.PartRules, Version: "v1",
		}}})
		if err != nil {
			return err
		}
	}
	return nil
}

// second is what happens within one.
func (w *week) second() {
	now := time.Now()
	w.mu.Lock()
	answers := w.answers
	w.answers = nil
	if len(w.trickles) > 0 {
		answers, w.trickles = append(answers, w.trickles[0]), w.trickles[1:]
	}
	w.mu.Unlock()
	for _, in := range answers {
		w.note(in, now)
	}
	w.outside(func() error {
		inputs, err := w.deliver(now)
		if err != nil {
			return err
		}
		return w.process(now, append(inputs, answers...))
	})
	w.hand(now)
}

// process applies what has come, tells how far the bridge has read, and moves time
// if something is due.
func (w *week) process(now time.Time, inputs []*schemas.InputRecord) error {
	if now.Sub(w.progressed) >= 5*time.Second {
		w.progressed = now
		inputs = append(inputs, &schemas.InputRecord{Kind: &schemas.InputRecord_SourceProgress{SourceProgress: &schemas.SourceProgress{Source: "queue", ReadUpToMs: now.UnixMilli()}}})
	}
	for _, in := range inputs {
		if err := w.driver.Apply(in); err != nil {
			return err
		}
	}
	due, ok, err := w.driver.NextDue()
	if err != nil {
		return err
	}
	if ok && due <= now.UnixMilli() || now.Sub(w.applied) >= 10*time.Second {
		w.applied = now
		if err := w.driver.Tick(now.UnixMilli()); err != nil {
			return err
		}
	} else if len(inputs) == 0 {
		return nil
	}
	return w.driver.Commit()
}

// deliver returns what the envelopes say that have arrived by now, in that order.
func (w *week) deliver(now time.Time) ([]*schemas.InputRecord, error) {
	var all []simulator.Delivered
	for _, o := range w.orgs {
		all = append(all, o.Deliver(now)...)
	}
	slices.SortStableFunc(all, func(a, b simulator.Delivered) int { return a.At.Compare(b.At) })
	var inputs []*schemas.InputRecord
	for _, d := range all {
		decoded, err := eventbridge.Decode(d.Envelope, func(string) ([]string, bool) { return nil, true })
		if err != nil {
			return nil, err
		}
		if e := decoded.Input.GetEvent(); e != nil {
			e.Source = "queue"
		}
		if w.hears != nil && !w.hears(d, decoded.Input) {
			continue
		}
		inputs = append(inputs, decoded.Input)
	}
	return inputs, nil
}

// emitted takes what the processor tells.
func (w *week) emitted(o stream.Output) error {
	switch o.Topic.Suffix {
	case schemas.GenesysRequests.Suffix:
		r := new(schemas.GenesysRequest)
		w.out = append(w.out, r)
		return r.UnmarshalVT(o.Value)
	case schemas.Escalations.Suffix:
		e, err := schemas.DecodeEscalation(o.Value)
		w.told = append(w.told, e)
		return err
	default:
		return fmt.Errorf("a record on %s: %s", o.Topic.Suffix, o.Value)
	}
}

// hand gives the verifier what it was asked.
func (w *week) hand(now time.Time) {
	for _, r := range w.out {
		a := &truthtest.Ask{Org: r.OrgId, At: now, Urgency: r.Urgency}
		w.byID[r.Id], w.asks[r.ConversationId] = a, append(w.asks[r.ConversationId], a)
		w.office.accept(&task{request: r, seen: now, ctx: w.office.ctx, begin: func() bool { return true }, end: func(bool) {}})
	}
	w.out = w.out[:0]
}

// note remembers when and how a request was answered.
func (w *week) note(in *schemas.InputRecord, now time.Time) {
	var id string
	failed := false
	switch k := in.Kind.(type) {
	case *schemas.InputRecord_Event:
		return // of a backfill
	case *schemas.InputRecord_ThreadObserved:
		if id = k.ThreadObserved.RequestId; id == "" {
			return // likewise
		}
	case *schemas.InputRecord_CheckFailed:
		id, failed = k.CheckFailed.RequestId, true
	case *schemas.InputRecord_ActionDone:
		id, failed = k.ActionDone.RequestId, k.ActionDone.Outcome == outcomeFailed
	}
	a := w.byID[id]
	if a == nil || !a.Answered.IsZero() {
		w.t.Errorf("an answer to no request, or a second one: %v", in)
		return
	}
	a.Answered, a.Failed = now, failed
}

// compare compares what was told with what was so.
func (w *week) compare() truthtest.Result {
	w.t.Helper()
	return w.account().Compare(w.t)
}

func (w *week) account() *truthtest.Week {
	all := &truthtest.Week{End: w.end, Told: w.told, Asks: w.asks, Blind: w.blind, Within: w.within}
	for _, o := range w.orgs {
		all.Orgs = append(all.Orgs, &o.Org)
	}
	if !w.since.IsZero() {
		all.Ready = func(_ string, due time.Time) time.Time {
			ready := due.Add(10 * time.Second) // SLA.md 5.1
			if ready.Before(w.since) {
				return w.since
			}
			return ready
		}
	}
	return all
}

// distant is a region that is as far away as it is, and that now and then knows
// nothing of a conversation for a quarter of an hour.
type distant struct {
	region   http.Handler
	failing  uint64 // one of so many conversations and quarters of an hour; 0: none
	shortest time.Duration
	longest  time.Duration
}

// RoundTrip implements http.RoundTripper.
func (d distant) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	away := d.shortest + time.Duration(drawn(r.URL.String(), time.Now().UnixNano())%uint64(d.longest-d.shortest))
	time.Sleep(away / 2)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	defer func() {
		if recover() != nil { // http.ErrAbortHandler
			resp, err = nil, fmt.Errorf("the connection was closed: %w", http.ErrAbortHandler)
		}
	}()
	rec := httptest.NewRecorder()
	quarter := time.Now().Unix() / 900
	if d.failing > 0 && r.URL.Path != "/oauth/token" && drawn(r.URL.Path, quarter)%d.failing == 0 {
		writeJSON(rec, http.StatusServiceUnavailable, `{"status":503,"code":"service.unavailable"}`)
	} else {
		d.region.ServeHTTP(rec, r)
	}
	time.Sleep(away / 2)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp = rec.Result()
	resp.Request = r
	return resp, nil
}

// distant is the region of the organisations, with latencies as over the internet.
func (w *week) distant(failing uint64) http.RoundTripper {
	orgs := make([]*simulator.Org, len(w.orgs))
	for i, o := range w.orgs {
		orgs[i] = o.Org.Org
	}
	return distant{simulator.NewRegion(orgs...), failing, 50 * time.Millisecond, 1500 * time.Millisecond}
}

func drawn(name string, n int64) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", name, n)
	x := h.Sum64()
	return x ^ x>>29
}
