package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	// Clock is the one that escalations are dated by; it measures latency. Waits
	// are real time, since destinations live in it.
	Clock   clock.Clock
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Configs Configs
	// Build returns the Notifier for a destination. The subpackages' New are what
	// it chooses from; it is called once for every destination.
	Build func(Destination) (Notifier, error)
}

// Dispatcher consumes escalations and delivers them.
type Dispatcher struct {
	config  Config
	deps    Deps
	log     *slog.Logger
	metrics *metrics
	letters *deadLetters

	mu      sync.Mutex
	windows map[partition]*window
	queues  map[string]*queue
	paused  map[partition]bool
	absent  error // why the group has no place for us; nil: it has
	unread  error // what the last poll could not read; nil: nothing

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
		config: c.withDefaults(deps.Prefix), deps: deps, log: deps.Log, metrics: newMetrics(deps.Metrics),
		windows: map[partition]*window{}, queues: map[string]*queue{}, paused: map[partition]bool{},
		absent: errors.New("the group is not joined"),
	}
	d.letters = &deadLetters{topic: schemas.DeadLetters.Name(deps.Prefix), log: d.log, metrics: d.metrics, wake: make(chan struct{}, 1)}
	d.workers = &workers{config: d.config, metrics: d.metrics, bury: d.letters.bury, told: d.told, failed: d.failed}
	if err := kgo.ValidateOpts(d.options()...); err != nil {
		return nil, fmt.Errorf("notifier: %w", err)
	}
	return d, nil
}

// Ready returns why the notifier is not consuming; nil if it is.
func (d *Dispatcher) Ready() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := cmp.Or(d.absent, d.unread); err != nil {
		return fmt.Errorf("notifier: %w", err)
	}
	return nil
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

// told counts a delivery that was taken.
func (d *Dispatcher) told(one *delivery) {
	if one.kind == kindRouting {
		return
	}
	d.metrics.deliveries.WithLabelValues(one.kind, "delivered").Inc()
	late := d.deps.Clock.Now().Sub(one.flight.escalation.At.Time())
	d.metrics.latency.WithLabelValues(one.kind).Observe(max(0, late).Seconds())
	d.log.LogAttrs(context.Background(), slog.LevelDebug, "escalation delivered", one.log())
}

func (d *Dispatcher) failed(one *delivery, e *Error) {
	d.log.LogAttrs(context.Background(), slog.LevelWarn, "escalation not taken", one.log(), slog.String(schemas.LogReason, e.Reason),
		slog.String(schemas.LogError, e.Err.Error()), slog.Duration(schemas.LogRetryAfter, e.RetryAfter))
}

// accept starts an escalation on its way: to routing, which is a queue for each
// org, so that one org's trouble is its own.
func (d *Dispatcher) accept(f *flight) {
	one := &delivery{flight: f, kind: kindRouting}
	e, err := schemas.DecodeEscalation(f.record.Value)
	if err != nil {
		d.metrics.escalations.WithLabelValues(reasonUndecodable).Inc()
		// The decoder's error may quote the record.
		d.letters.bury(one, Permanent(reasonUndecodable, errors.New("the record is no escalation")))
		return
	}
	f.escalation = e
	one.destination = e.Org
	d.queue(kindRouting, e.Org, func() (sender, error) { return router{d}, nil }).push(one)
}

// queue returns the queue for key, made with build when there is none.
func (d *Dispatcher) queue(kind, key string, build func() (sender, error)) *queue {
	d.mu.Lock()
	defer d.mu.Unlock()
	key = kind + "\x00" + key
	if q := d.queues[key]; q != nil {
		return q
	}
	s, err := build()
	if err != nil {
		s = refuser{Permanent(reasonDestination, err)}
	}
	q := newQueue(d.workers, kind, s)
	d.queues[key] = q
	return q
}

// trim bounds what waits for stalled destinations.
func (d *Dispatcher) trim(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, q := range d.queues {
		q.trim(now)
	}
}
