package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/clock"
	"unpark/schemas"
)

// field is a Kafka cluster with an org whose route `good` leads to one
// destination, `bad` to another, and `both` to the two.
type field struct {
	t       *testing.T
	cluster *kfake.Cluster
	client  *kgo.Client
	logs    safeBuffer
	dir     string // of the shelf; empty: it lies in memory
	configs *fakeConfigs

	mu    sync.Mutex
	built map[string]int                             // notifiers, by destination
	good  func(ctx context.Context, m Message) error // nil: takes everything
	bad   func(ctx context.Context, m Message) error
	taken map[string][]string // conversations, by destination
	moved chan struct{}
}

const fieldRules = `{"id":"org-1","policies":[{"name":"p","objectives":[{"objective":"reply","tiers":[
	{"at":"1s","notify":["both"]},{"at":"2s","notify":["good"]},{"at":"3s","notify":["bad"]},{"at":"4s","notify":["none"]},{"at":"5s"}]}]}],
	"routes":{"good":[{"webhook":{"url":"https://good"}}],"bad":[{"webhook":{"url":"https://bad"}}],
		"both":[{"webhook":{"url":"https://good"}},{"webhook":{"url":"https://bad"}}]}}`

// Tiers of fieldRules, by whom they notify.
const (
	both   = 1
	good   = 2
	bad    = 3
	none   = 4
	nobody = 5
)

func newField(t *testing.T, partitions int32) *field {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "t.escalations", "t.deliveries"), kfake.SeedTopics(1, "t.dead-letters"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	configs := &fakeConfigs{versions: map[string]string{"org-1/v1": fieldRules}, newest: map[string]string{"org-1": fieldRules}}
	return &field{t: t, cluster: c, client: cl, configs: configs, taken: map[string][]string{}, built: map[string]int{}, moved: make(chan struct{}, 1)}
}

// start runs a notifier; stop ends it and returns what Run returned.
func (f *field) start(c Config) (d *Dispatcher, stop func() error) {
	f.t.Helper()
	c.CommitInterval, c.MinBackoff, c.MaxBackoff = tick(20), tick(1), tick(2)
	if c.Drain == 0 {
		c.Drain = tick(50)
	}
	d, err := New(c, Deps{
		Kafka:  []kgo.Opt{kgo.SeedBrokers(f.cluster.ListenAddrs()...), kgo.HeartbeatInterval(50 * time.Millisecond)},
		Prefix: "t.", Dir: f.dir, Clock: clock.Real(), Metrics: prometheus.NewRegistry(),
		Log:     slog.New(slog.NewTextHandler(&f.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Configs: f.configs,
		Build:   f.build,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	f.t.Cleanup(func() { stop() })
	return d, stop
}

func tick(ms int) schemas.Duration { return schemas.Duration(ms) * schemas.Duration(time.Millisecond) }

func (f *field) build(d Destination) (Notifier, error) {
	name := strings.TrimPrefix(d.Webhook.URL, "https://")
	f.mu.Lock()
	f.built[name]++
	f.mu.Unlock()
	return notifyFunc(func(ctx context.Context, m Message) error {
		f.mu.Lock()
		answer := map[string]func(context.Context, Message) error{"good": f.good, "bad": f.bad}[name]
		f.mu.Unlock()
		if answer != nil {
			if err := answer(ctx, m); err != nil {
				return err
			}
		}
		f.mu.Lock()
		f.taken[name] = append(f.taken[name], m.Escalation.Conversation)
		f.mu.Unlock()
		f.move()
		return nil
	}), nil
}

func (f *field) move() {
	select {
	case f.moved <- struct{}{}:
	default:
	}
}

// answer changes how the bad destination answers.
func (f *field) answer(bad func(context.Context, Message) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bad = bad
}

func (f *field) takenBy(name string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.taken[name]...)
}

// escalate produces escalations of a tier, for conversations c-from to c-(to-1).
func (f *field) escalate(tier, from, to int) {
	f.t.Helper()
	f.say(schemas.StatusRaised, tier, from, to)
}

// say produces what became of them.
func (f *field) say(status string, tier, from, to int) {
	f.t.Helper()
	f.sayAt(time.Now(), status, tier, from, to)
}

func (f *field) sayAt(at time.Time, status string, tier, from, to int) {
	f.t.Helper()
	for i := from; i < to; i++ {
		e := fridayCase(f.t)
		e.Status, e.Conversation, e.Policy, e.TierSeconds = status, fmt.Sprintf("c-%d", i), "p", int64(tier)
		e.ID, e.At = fmt.Sprintf("%032x", i*10+tier), schemas.Instant(at.UnixMilli())
		value, err := schemas.EncodeEscalation(&e)
		if err != nil {
			f.t.Fatal(err)
		}
		f.produce(e.Conversation, value)
	}
}

func (f *field) produce(key string, value []byte) {
	f.t.Helper()
	if err := f.client.ProduceSync(f.t.Context(), &kgo.Record{Topic: "t.escalations", Key: []byte(key), Value: value}).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
}

// until waits for a condition, looking again whenever something is taken.
func (f *field) until(what string, ok func() bool) {
	f.t.Helper()
	late := time.After(20 * time.Second)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-f.moved:
		case <-again.C:
		case <-late:
			f.t.Fatalf("never: %s\n%s", what, f.logs.String())
		}
	}
}

// committed sums the group's offsets over the partitions.
func (f *field) committed() (n int64) {
	f.t.Helper()
	offsets, err := kadm.NewClient(f.client).FetchOffsets(f.t.Context(), "t.notifier")
	if errors.Is(err, kerr.GroupIDNotFound) {
		return 0 // nobody has joined it yet
	}
	if err != nil {
		f.t.Fatal(err)
	}
	offsets.Each(func(o kadm.OffsetResponse) { n += o.At })
	return n
}

// end sums the ends of the ledger's partitions, shelved how far the shelf of a
// notifier has them.
func (f *field) end() (n int64) {
	f.t.Helper()
	ends, err := kadm.NewClient(f.client).ListEndOffsets(f.t.Context(), "t.deliveries")
	if err != nil {
		f.t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

func (f *field) shelved(d *Dispatcher) (n int64) {
	f.t.Helper()
	for _, b := range d.ledger.all() {
		at, err := d.ledger.shelf.position(b.partition)
		if err != nil {
			f.t.Fatal(err)
		}
		n += at.Next
	}
	return n
}

// letters reads n dead letters.
func (f *field) letters(n int) (rs []*kgo.Record) {
	f.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(f.cluster.ListenAddrs()...), kgo.ConsumeTopics("t.dead-letters"))
	if err != nil {
		f.t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
	defer cancel()
	for len(rs) < n {
		fetches := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			f.t.Fatalf("%d dead letters, want %d\n%s", len(rs), n, f.logs.String())
		}
		rs = append(rs, fetches.Records()...)
	}
	return rs
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// safeBuffer is a bytes.Buffer for many writers.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// breakTopic lets nothing be written to a topic until it is mended.
func (f *field) breakTopic(topic string) (mend func()) {
	f.t.Helper()
	topics, err := kadm.NewClient(f.client).ListTopics(f.t.Context(), topic)
	if err != nil {
		f.t.Fatal(err)
	}
	var mended atomic.Bool
	f.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.cluster.KeepControl()
		for _, t := range req.(*kmsg.ProduceRequest).Topics {
			if t.Topic == topic || t.TopicID == topics[topic].ID {
				return nil, errors.New("broken pipe"), !mended.Load()
			}
		}
		return nil, nil, false
	})
	return func() { mended.Store(true) }
}
