package eventbridge

import (
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

// drain is how long what was received may take to be acknowledged and deleted
// when the bridge stops.
const drain = 5 * time.Second

// Deps is what the bridge works with.
type Deps struct {
	// Kafka is how to reach the brokers; the bridge has a client of its own.
	Kafka []kgo.Opt
	// Prefix of the topics.
	Prefix string
	// Clock stamps every record and paces progress.
	Clock      clock.Clock
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	// Keep names the attributes that an org keeps and whether it is known. It is
	// called for every envelope, concurrently, and must be there.
	Keep func(org string) (attributes []string, known bool)
	// Feed, if there, is one more source, named demo: raw envelopes, as they
	// happen, until it is closed.
	Feed <-chan []byte
}

// source reads envelopes from somewhere into a sink.
type source interface {
	name() string
	// run reads until stop ends, then finishes what it has read until work ends.
	// It returns an error only for what trying again cannot mend.
	run(stop, work context.Context, to *sink) error
	// readUpTo returns the time up to which all has been acknowledged by Kafka;
	// ok is false while that is not known. Milliseconds since the Unix epoch.
	readUpTo(now int64) (upTo int64, ok bool)
	// ready returns why nothing has been read yet.
	ready() error
}

// Bridge carries envelopes from its sources to conversation-events.
type Bridge struct {
	deps    Deps
	sources []source
	metrics *metrics
}

// New builds a bridge and looks up the AWS configuration of the host; nothing is
// read before Run.
func New(ctx context.Context, c Config, d Deps) (*Bridge, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("bridge: %w", err)
	}
	if err := kgo.ValidateOpts(kafkaOptions(d.Kafka)...); err != nil {
		return nil, fmt.Errorf("bridge: %w", err)
	}
	b := &Bridge{deps: d, metrics: newMetrics(d.Registerer)}
	for _, s := range c.Sources {
		built, err := b.build(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("bridge: %s: %w", s.name(), err)
		}
		b.sources = append(b.sources, built)
	}
	if d.Feed != nil {
		b.sources = append(b.sources, newFeed(d.Feed))
	}
	for _, s := range b.sources {
		b.metrics.begin(s.name())
	}
	return b, nil
}

func (b *Bridge) build(ctx context.Context, s Source) (source, error) {
	if s.File != nil {
		return newFile(*s.File), nil
	}
	client, err := newSQSClient(ctx, *s.SQS)
	if err != nil {
		return nil, err
	}
	return newQueue(*s.SQS, client), nil
}

// Run carries until ctx ends, then finishes what it has read, for a few seconds
// at most, and returns nil. It is called once.
func (b *Bridge) Run(ctx context.Context) error {
	client, err := kgo.NewClient(kafkaOptions(b.deps.Kafka)...)
	if err != nil {
		return fmt.Errorf("bridge: %w", err)
	}
	defer client.Close()
	to := b.sink(client)

	stop, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	work, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	context.AfterFunc(stop, func() { pause(work, drain); giveUp() })

	var running sync.WaitGroup
	for _, s := range b.sources {
		running.Go(func() {
			if err := s.run(stop, work, to); err != nil {
				fail(fmt.Errorf("bridge: %s: %w", s.name(), err))
			}
		})
	}
	running.Go(func() { b.report(stop, to) })
	<-stop.Done()
	running.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(stop)
}

func (b *Bridge) sink(client *kgo.Client) *sink {
	return &sink{
		client: client, clock: b.deps.Clock, keep: b.deps.Keep, metrics: b.metrics,
		events:  schemas.ConversationEvents.Name(b.deps.Prefix),
		letters: schemas.DeadLetters.Name(b.deps.Prefix),
		log:     &occasional{Logger: b.deps.Logger, said: make(map[saying]time.Time)},
	}
}

// Ready returns nil once every source could be read. It is safe for concurrent
// use.
func (b *Bridge) Ready() error {
	var errs []error
	for _, s := range b.sources {
		if err := s.ready(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name(), err))
		}
	}
	return errors.Join(errs...)
}
