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
	"github.com/twmb/franz-go/pkg/kadm"
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
	// Schedules is where the content of schedule groups goes; nil: they are not
	// synced.
	Schedules Schedules
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
	portion portion
	absent  error // why the group has no place for us; nil: it has
	unread  error // what the last poll could not read; nil: nothing
}

// NewVerifier returns a Verifier; Run starts it.
func NewVerifier(d Deps) (*Verifier, error) {
	v := &Verifier{deps: d, log: d.Logger, metrics: newMetrics(d.Metrics), windows: make(map[int32]*window), portion: newPortion(), absent: errors.New("the group is not joined")}
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
	if v.deps.Schedules != nil {
		office.Go(func() { v.syncSchedules(working, cl) })
	}

	err = v.consume(ctx, cl)
	v.setAbsent(errors.New("stopping"))
	v.release(cl, v.allWindows())
	cancel()
	office.Wait()
	cl.CloseAllowingRebalance()
	return err
}

// syncSchedules keeps the schedules of the orgs whose requests come here, so that
// one process asks about an org, at one pace.
func (v *Verifier) syncSchedules(ctx context.Context, cl *kgo.Client) {
	topic := schemas.GenesysRequests.Name(v.deps.Prefix)
	for {
		topics, err := kadm.NewClient(cl).ListTopics(ctx, topic)
		if err == nil {
			err = topics.Error()
		}
		if n := len(topics[topic].Partitions); err == nil && n > 0 {
			v.mu.Lock()
			v.portion.partitions = n
			v.mu.Unlock()
			break
		}
		v.log.Warn("schedules are not synced yet", schemas.LogTopic, topic, schemas.LogError, err)
		if sleep(ctx, v.deps.Clock, syncLook) != nil {
			return
		}
	}
	s := &syncer{
		clock: v.deps.Clock, log: v.log, metrics: v.metrics, configs: v.deps.Configs, schedules: v.deps.Schedules,
		mine:   v.owns,
		client: func(org string) (settings, *Client) { return v.office.desk(org).configured() },
		orgs:   make(map[string]*synced),
	}
	s.run(ctx)
}

// owns says whether the org's requests come to this process.
func (v *Verifier) owns(org string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.portion.owns(org)
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
