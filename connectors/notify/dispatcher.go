package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/schemas"
)

// Deps is what a Dispatcher works with.
type Deps struct {
	// Kafka connects to the brokers.
	Kafka []kgo.Opt
	// Prefix is that of the topics.
	Prefix string
	// Instance tells one process of the fleet from another and stays the same over
	// its restarts, so that what it had comes back to it at once. Empty: what a
	// killed process had is taken over after 10 s.
	Instance string
	// Dir is a folder for what was read of the ledger: a notifier that finds it reads
	// only what came since. Empty: it lies in memory.
	Dir string
	// Clock is the one that escalations are dated by: latency, reminders and quiet
	// hours follow it. Waits are real time, since destinations live in it.
	Clock   clock.Clock
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Configs Configs
	// Build returns the Notifier for a destination. The subpackages' New are what
	// it chooses from; it is called once for every destination.
	Build func(Destination) (Notifier, error)
}

// Dispatcher consumes escalations, keeps the ledger of who was told, and tells.
type Dispatcher struct {
	config  Config
	deps    Deps
	log     *slog.Logger
	metrics *metrics
	letters *deadLetters
	rules   *rulebook
	ledger  *ledger // from Run on

	mu       sync.Mutex
	windows  map[partition]*window
	queues   map[string]*queue  // by org
	outboxes map[string]*outbox // by destination
	paused   map[partition]bool
	absent   error // why the group has no place for us; nil: it has
	unread   error // what the last poll could not read; nil: nothing

	workers *workers
}

type partition struct {
	topic string
	id    int32
}

// New returns a Dispatcher; Run starts it.
func New(c Config, deps Deps) (*Dispatcher, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if deps.Configs == nil || deps.Build == nil || deps.Log == nil {
		return nil, errors.New("notifier: Configs, Build and Log are needed")
	}
	d := &Dispatcher{
		config: c.withDefaults(deps.Prefix), deps: deps, log: deps.Log, metrics: newMetrics(deps.Metrics), rules: newRulebook(deps.Configs),
		windows: map[partition]*window{}, queues: map[string]*queue{}, outboxes: map[string]*outbox{}, paused: map[partition]bool{},
		absent: errors.New("the group is not joined"),
	}
	d.letters = &deadLetters{
		topic: schemas.DeadLetters.Name(deps.Prefix), log: d.log, metrics: d.metrics, clock: deps.Clock, wake: make(chan struct{}, 1),
		kindOf: func(e *entry) string { return d.rules.told(e).destination.Type() },
	}
	d.workers = &workers{
		config: d.config, metrics: d.metrics, rules: d.rules, clock: deps.Clock,
		bury: d.letters.letterOfEntry, forward: d.forward, told: d.told, trouble: d.trouble,
	}
	if err := kgo.ValidateOpts(d.options()...); err != nil {
		return nil, fmt.Errorf("notifier: %w", err)
	}
	return d, nil
}

// Ready returns why the notifier is not consuming; nil if it is.
func (d *Dispatcher) Ready() error {
	d.mu.Lock()
	err := cmp.Or(d.absent, d.unread)
	d.mu.Unlock()
	for _, w := range d.allWindows() {
		switch b := d.ledger.book(w.partition); {
		case err != nil:
		case b == nil || !b.isFilled():
			err = fmt.Errorf("the ledger of partition %d is being read", w.partition)
		case b.taken.Load():
			err = fmt.Errorf("another notifier has taken partition %d over", w.partition)
		}
	}
	if err != nil {
		return fmt.Errorf("notifier: %w", err)
	}
	return nil
}

// Notes says what people should know though the notifier does its work: the
// destinations that fail, one line each.
func (d *Dispatcher) Notes() (notes []string) {
	d.mu.Lock()
	outboxes := make([]*outbox, 0, len(d.outboxes))
	for _, o := range d.outboxes {
		outboxes = append(outboxes, o)
	}
	d.mu.Unlock()
	for _, o := range outboxes {
		if n := o.note(); n != "" {
			notes = append(notes, n)
		}
	}
	slices.Sort(notes)
	return notes
}

func (d *Dispatcher) setAbsent(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.absent = err
}

func (d *Dispatcher) setUnread(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unread = err
}

// told counts what was told.
func (d *Dispatcher) told(to string, e *entry, kind Kind, now time.Time) {
	d.metrics.deliveries.WithLabelValues(to, "delivered").Inc()
	since := e.Since
	if kind == Alert {
		since = e.RaisedAt
	}
	d.metrics.latency.WithLabelValues(to).Observe(max(0, now.Sub(since.Time())).Seconds())
	if ctx := context.Background(); d.log.Enabled(ctx, slog.LevelDebug) {
		d.log.LogAttrs(ctx, slog.LevelDebug, "escalation delivered", entryLog(e, e.Destination))
	}
}

func (d *Dispatcher) trouble(destination string, e *entry, why *Error) {
	d.log.LogAttrs(context.Background(), slog.LevelWarn, "escalation not taken", entryLog(e, destination), slog.String(schemas.LogReason, why.Reason),
		slog.String(schemas.LogError, why.Err.Error()), slog.Duration(schemas.LogRetryAfter, why.RetryAfter))
}

// accept starts an escalation on its way: to routing.
func (d *Dispatcher) accept(f *flight) {
	e, err := schemas.DecodeEscalation(f.record.Value)
	if err != nil {
		d.metrics.escalations.WithLabelValues(reasonUndecodable).Inc()
		// The decoder's error may quote the record.
		d.letters.letterOfFlight(f, "", Permanent(reasonUndecodable, errors.New("the record is no escalation")))
		return
	}
	f.escalation = e
	d.queue(e.Org).push(f)
}

func (d *Dispatcher) queue(org string) *queue {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queues[org]
	if q == nil {
		q = newQueue(d.workers, d.route, func(f *flight, e *Error) { d.letters.letterOfFlight(f, f.escalation.Org, e) })
		d.queues[org] = q
	}
	return q
}

// send hands an entry to the outbox of its destination.
func (d *Dispatcher) send(b *book, id entryID, destination string) {
	d.forward(d.rules.target(destination), item{b, id})
}

// forward hands an entry to the outbox of a target.
func (d *Dispatcher) forward(t target, i item) {
	d.outbox(t).push(i)
}

// outbox returns the outbox of a target. One that stands for nothing refuses what
// it is given.
func (d *Dispatcher) outbox(t target) *outbox {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := t.address
	if t.problem != nil {
		key = "\x00" + t.name
	}
	o := d.outboxes[key]
	if o == nil {
		o = newOutbox(d.workers, t, d.build(t))
		d.outboxes[key] = o
	}
	return o
}

// retire forgets the outboxes that have nothing to do and are for what the rules do not
// say any more: what failed there is of no concern, and what is used in another way now
// gets a new one.
func (d *Dispatcher) retire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, o := range d.outboxes {
		if now := d.rules.target(o.target.name); !reflect.DeepEqual(now.destination, o.target.destination) && o.retire() {
			delete(d.outboxes, key)
		}
	}
}

func (d *Dispatcher) build(t target) Notifier {
	if t.problem != nil {
		return refuser{t.problem}
	}
	n, err := d.deps.Build(t.destination)
	if err != nil {
		return refuser{Permanent(reasonDestination, err)}
	}
	return n
}

// refuser stands for a destination that cannot be built.
type refuser struct{ err error }

func (refuser) Capabilities() Capabilities { return Capabilities{} }

func (r refuser) Notify(context.Context, Message) (Reference, error) { return "", r.err }
