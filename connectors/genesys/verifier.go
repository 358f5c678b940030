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
	// Transport sends requests to Genesys; nil: one that all orgs share.
	Transport http.RoundTripper
	// States returns what the processor knows of an org's conversations: encoded
	// ConversationStates, by conversation. nil: orgs are not compared with Genesys.
	States func(ctx context.Context, org string) (map[string][]byte, error)
	// Keep names the attributes that an org's rules need.
	Keep func(org string) (attributes []string, known bool)
}

// Verifier answers the requests of the topic genesys-requests.
type Verifier struct {
	deps    Deps
	log     *slog.Logger
	metrics *metrics
	office  *office
	// ctx and work are those of Run; started is closed once there is an office.
	ctx     context.Context
	work    sync.WaitGroup
	started chan struct{}

	mu      sync.Mutex
	windows map[int32]*window
	recalls map[int32]*recall
	portion portion
	absent  error // why the group has no place for us; nil: it has
	unread  error // what the last poll could not read; nil: nothing
}

// NewVerifier returns a Verifier; Run starts it.
func NewVerifier(d Deps) (*Verifier, error) {
	v := &Verifier{
		deps: d, log: d.Logger, metrics: newMetrics(d.Metrics), started: make(chan struct{}),
		windows: make(map[int32]*window), recalls: make(map[int32]*recall), portion: newPortion(), absent: errors.New("the group is not joined"),
	}
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
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	v.ctx = working
	cl, err := kgo.NewClient(v.options()...)
	if err != nil {
		return fmt.Errorf("verifier: %w", err)
	}
	v.office = newOffice(working, officeDeps{
		Clock: v.deps.Clock, Log: v.log, Configs: v.deps.Configs, Resolve: v.deps.Resolve, Transport: v.deps.Transport,
		Produce: Producer(cl, v.deps.Prefix, v.deps.Clock), States: v.deps.States, Keep: v.deps.Keep, Owns: v.owns,
	}, v.metrics)
	close(v.started)
	v.work.Go(v.office.run)
	v.work.Go(func() {
		if v.countPartitions(working, cl) == nil && v.deps.Schedules != nil {
			v.syncSchedules(working)
		}
	})

	err = v.consume(ctx, cl)
	v.setAbsent(errors.New("stopping"))
	v.release(cl, v.allWindows())
	cancel()
	v.work.Wait()
	cl.CloseAllowingRebalance()
	return err
}

// countPartitions finds out how many partitions the requests have, however often that
// takes: what an org is asked besides them, the process asks that they come to, so that
// it is asked at one pace.
func (v *Verifier) countPartitions(ctx context.Context, cl *kgo.Client) error {
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
			return nil
		}
		v.log.Warn("schedules are not synced yet", schemas.LogTopic, topic, schemas.LogError, err)
		if err := sleep(ctx, v.deps.Clock, syncLook); err != nil {
			return err
		}
	}
}

// syncSchedules keeps the schedules of the orgs whose requests come here.
func (v *Verifier) syncSchedules(ctx context.Context) {
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

// produceTimeout bounds one try to put facts on their topic.
const produceTimeout = 5 * time.Second

// Producer returns a function that puts facts of one conversation on
// conversation-events, next to each other as far as the client's batches allow, and
// returns when the brokers hold them. It writes to the partition that Kafka's default
// partitioner chooses, as the bridge does; the client needs to have that one.
func Producer(cl *kgo.Client, prefix string, clk clock.Clock) func(context.Context, string, ...*schemas.InputRecord) error {
	topic := schemas.ConversationEvents.Name(prefix)
	return func(ctx context.Context, conversation string, facts ...*schemas.InputRecord) error {
		records := make([]*kgo.Record, len(facts))
		for i, f := range facts {
			value, err := f.MarshalVT()
			if err != nil {
				return fmt.Errorf("encode a fact: %w", err)
			}
			records[i] = &kgo.Record{Topic: topic, Key: []byte(conversation), Value: value, Timestamp: clk.Now()}
		}
		ctx, cancel := context.WithTimeout(ctx, produceTimeout)
		defer cancel()
		return cl.ProduceSync(ctx, records...).FirstErr()
	}
}
