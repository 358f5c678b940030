package genesys

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"unpark/clock"
	"unpark/schemas"
)

// office is the verifier without Kafka: a desk for each org, and one answer for
// every task.
type office struct {
	deps    officeDeps
	metrics *metrics

	mu    sync.Mutex
	desks map[string]*desk
	work  sync.WaitGroup
	daily *rounds
	ctx   context.Context // of Run; desks that are opened later live as long
}

// officeDeps is what an office works with.
type officeDeps struct {
	Clock     clock.Clock
	Log       *slog.Logger
	Configs   Configs
	Resolve   func(ref string) (string, error)
	Transport http.RoundTripper
	// Produce puts facts of one conversation on conversation-events; it returns when
	// the brokers hold them, or when ctx ends.
	Produce func(ctx context.Context, conversation string, facts ...*schemas.InputRecord) error
	// States returns what the processor knows of an org's conversations (Backfill).
	States func(ctx context.Context, org string) (map[string][]byte, error)
	// Keep names the attributes that an org's rules need.
	Keep func(org string) (attributes []string, known bool)
	// Owns says whether an org is compared with Genesys here, once a day.
	Owns func(org string) bool
}

func newOffice(ctx context.Context, d officeDeps, m *metrics) *office {
	return &office{deps: d, metrics: m, desks: make(map[string]*desk), ctx: ctx, daily: newRounds()}
}

// run answers what must not wait any longer, until ctx ends and the desks are
// done.
func (o *office) run() {
	for sleep(o.ctx, o.deps.Clock, time.Second) == nil {
		now := o.deps.Clock.Now()
		for _, d := range o.all() {
			for reason, tasks := range d.sweep(now) {
				o.fail(tasks, reason)
			}
			d.measure(now)
		}
		o.reconcileDue(now)
	}
	o.work.Wait()
}

func (o *office) all() []*desk {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Values(o.desks))
}

// accept takes a task in.
func (o *office) accept(t *task) {
	if _, _, ok := o.deps.Configs.NewestRules(t.request.OrgId); !ok {
		o.fail([]*task{t}, ReasonNoConnection)
		return
	}
	d := o.desk(t.request.OrgId)
	if act := t.request.GetAct(); act == nil || act.DryRun || t.recall == nil || t.recall.known() {
		o.enqueue(d, t)
		return
	}
	// Outside of the queue, where it would take the place of a check.
	o.work.Go(func() {
		set, _ := d.configured()
		ctx, cancel := context.WithTimeout(t.ctx, o.deps.Clock.Wall(d.left(t, set)))
		defer cancel()
		select {
		case <-t.recall.done:
		case <-ctx.Done(): // it is answered that it is too late
		}
		o.enqueue(d, t)
	})
}

func (o *office) enqueue(d *desk, t *task) {
	superseded, crowdedOut := d.queue.push(t)
	if superseded != nil {
		o.fail([]*task{superseded}, ReasonTimeout)
	}
	if crowdedOut != nil {
		o.fail([]*task{crowdedOut}, ReasonRateLimited)
	}
}

func (o *office) desk(org string) *desk {
	o.mu.Lock()
	defer o.mu.Unlock()
	if d := o.desks[org]; d != nil {
		return d
	}
	d := &desk{office: o, org: org, log: o.deps.Log.With(schemas.LogOrg, org), queue: newQueue(), taken: newHourly()}
	o.desks[org] = d
	o.work.Go(func() { d.run(o.ctx) })
	return d
}

func (o *office) connect(org string, conn Connection) *Client {
	return NewClient(conn, ClientDeps{
		Clock: o.deps.Clock, Log: o.deps.Log.With(schemas.LogOrg, org), Resolve: o.deps.Resolve, Transport: o.deps.Transport,
		Called: func(result string) { o.metrics.calls.WithLabelValues(org, result).Inc() },
	})
}

// fail answers tasks without a call.
func (o *office) fail(tasks []*task, reason string) {
	for _, t := range tasks {
		if t.begin() {
			o.work.Go(func() { o.reply(t, failure(t.request, reason, o.deps.Clock.Now())) })
		}
	}
}

// reply puts the answer on the topic, however often that takes.
func (o *office) reply(t *task, in *schemas.InputRecord) {
	if t.ctx.Err() != nil && in.GetActionDone().GetOutcome() != outcomeDone {
		t.end(false)
		return
	}
	for {
		// What was done is told even while we stop.
		err := o.deps.Produce(context.WithoutCancel(t.ctx), t.request.ConversationId, in)
		if err == nil {
			o.metrics.answered(t, in, o.deps.Clock.Now())
			t.end(true)
			return
		}
		o.deps.Log.Error("an answer is not taken by Kafka; trying until it is", schemas.LogOrg, t.request.OrgId, schemas.LogError, err)
		if errors.Is(err, context.Canceled) || sleep(t.ctx, o.deps.Clock, time.Second) != nil {
			t.end(false)
			return
		}
	}
}

// failure is the answer that says why there is no other.
func failure(r *schemas.GenesysRequest, reason string, at time.Time) *schemas.InputRecord {
	if r.GetAct() != nil {
		return acted(r, outcomeFailed, reason, at)
	}
	return &schemas.InputRecord{Kind: &schemas.InputRecord_CheckFailed{CheckFailed: &schemas.CheckFailed{
		OrgId: r.OrgId, ConversationId: r.ConversationId, RequestId: r.Id, Reason: reason, AtMs: at.UnixMilli(),
	}}}
}
