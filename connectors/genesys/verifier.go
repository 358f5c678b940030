package genesys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/schemas"
)

// Deps is what a Verifier works with.
type Deps struct {
	// Kafka connects to the brokers.
	Kafka []kgo.Opt
	// Prefix is that of the topics.
	Prefix string
	// Clock is the one that records are dated by, and by which rates and waits
	// pass.
	Clock   clock.Clock
	Logger  *slog.Logger
	Metrics prometheus.Registerer
	Configs Configs
	// Resolve returns the secret that a reference stands for.
	Resolve func(ref string) (string, error)
	// Transport sends requests to Genesys; nil: the default one.
	Transport http.RoundTripper
}

// Verifier answers the requests of the topic genesys-requests.
type Verifier struct {
	deps    Deps
	log     *slog.Logger
	metrics *metrics
	office  *office

	mu      sync.Mutex
	windows map[int32]*window
	absent  error // why the group has no place for us; nil: it has
	unread  error // what the last poll could not read; nil: nothing
}

// NewVerifier returns a Verifier; Run starts it.
func NewVerifier(d Deps) (*Verifier, error) {
	v := &Verifier{deps: d, log: d.Logger, metrics: newMetrics(d.Metrics), windows: make(map[int32]*window), absent: errors.New("the group is not joined")}
	if err := kgo.ValidateOpts(v.options()...); err != nil {
		return nil, fmt.Errorf("verifier: %w", err)
	}
	return v, nil
}

// Ready returns why requests are not read; nil if they are.
func (v *Verifier) Ready() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := cmp.Or(v.absent, v.unread); err != nil {
		return fmt.Errorf("verifier: %w", err)
	}
	return nil
}

// Run answers requests until ctx ends. It is called once.
func (v *Verifier) Run(ctx context.Context) error {
	cl, err := kgo.NewClient(v.options()...)
	if err != nil {
		return fmt.Errorf("verifier: %w", err)
	}
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	v.office = newOffice(working, officeDeps{
		Clock: v.deps.Clock, Log: v.log, Configs: v.deps.Configs, Resolve: v.deps.Resolve, Transport: v.deps.Transport,
		Produce: v.produce(cl),
	}, v.metrics)
	var office sync.WaitGroup
	office.Go(v.office.run)

	err = v.consume(ctx, cl)
	v.setAbsent(errors.New("stopping"))
	v.release(cl, v.allWindows())
	cancel()
	office.Wait()
	cl.CloseAllowingRebalance()
	return err
}

// produceTimeout bounds one try to put an answer on its topic.
const produceTimeout = 5 * time.Second

// produce writes to the partition of the conversation that Kafka's default
// partitioner chooses, as the events of the conversation are.
func (v *Verifier) produce(cl *kgo.Client) func(context.Context, *schemas.InputRecord, string) error {
	topic := schemas.ConversationEvents.Name(v.deps.Prefix)
	return func(ctx context.Context, in *schemas.InputRecord, conversation string) error {
		value, err := in.MarshalVT()
		if err != nil {
			return fmt.Errorf("encode an answer: %w", err)
		}
		ctx, cancel := context.WithTimeout(ctx, produceTimeout)
		defer cancel()
		r := &kgo.Record{Topic: topic, Key: []byte(conversation), Value: value, Timestamp: v.deps.Clock.Now()}
		return cl.ProduceSync(ctx, r).FirstErr()
	}
}
