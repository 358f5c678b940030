package eventbridge

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/clock"
	"unpark/schemas"
)

const partitions = 3

// field is a Kafka cluster and a bridge.
type field struct {
	t       *testing.T
	cluster *kfake.Cluster
	reader  *kgo.Client
	bridge  *Bridge
	logs    safeBuffer
	// started is the time of the bridge's clock at its start, speed how fast it
	// runs.
	started time.Time

	stop    func()
	stopped chan struct{} // closed when Run has returned err
	err     error

	mu   sync.Mutex
	gate chan struct{} // open when closed; nil: Kafka answers
}

// safeBuffer is a buffer for the logs of goroutines.
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

// newField starts a bridge of the sources; its clock runs a hundred times as fast,
// so that progress comes every 50 ms.
func newField(t *testing.T, feed <-chan []byte, sources ...Source) *field {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "t.conversation-events"), kfake.SeedTopics(1, "t.dead-letters"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	f := &field{t: t, cluster: c, stopped: make(chan struct{})}
	c.ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		f.mu.Lock()
		gate := f.gate
		f.mu.Unlock()
		if gate != nil {
			c.SleepControl(func() { <-gate })
		}
		return nil, nil, false
	})
	f.reader, err = kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("t.conversation-events", "t.dead-letters"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.reader.Close)
	f.started = time.Now()
	f.bridge, err = New(t.Context(), Config{Sources: sources}, Deps{
		Kafka: []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}, Prefix: "t.", Clock: clock.Scaled(f.started, 100),
		Logger: slog.New(slog.NewTextHandler(&f.logs, nil)), Registerer: prometheus.NewRegistry(), Feed: feed,
		Keep: func(org string) ([]string, bool) { return nil, org == "org-1" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *field) run() {
	ctx, cancel := context.WithCancel(f.t.Context())
	f.stop = cancel
	go func() {
		f.err = f.bridge.Run(ctx)
		close(f.stopped)
	}()
	f.t.Cleanup(func() {
		f.open()
		_ = f.halt()
	})
}

// halt stops the bridge and returns what Run did.
func (f *field) halt() error {
	f.stop()
	select {
	case <-f.stopped:
		return f.err
	case <-time.After(20 * time.Second):
		f.t.Fatal("Run does not return")
		return nil
	}
}

// block makes Kafka answer no produce until open.
func (f *field) block() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gate = make(chan struct{})
}

func (f *field) open() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gate != nil {
		close(f.gate)
		f.gate = nil
	}
}

// read returns records until enough says so.
func (f *field) read(what string, enough func(*kgo.Record, *schemas.InputRecord) bool) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
	defer cancel()
	for {
		fetches := f.reader.PollFetches(ctx)
		if ctx.Err() != nil {
			f.t.Fatalf("never: %s\n%s", what, f.logs.String())
		}
		done := false
		fetches.EachRecord(func(r *kgo.Record) {
			var in schemas.InputRecord
			if r.Topic == "t.conversation-events" {
				if err := in.UnmarshalVT(r.Value); err != nil {
					f.t.Error(err)
				}
			}
			done = enough(r, &in) || done
		})
		if done {
			return
		}
	}
}

// events returns the conversations of n events.
func (f *field) events(n int) map[string]*kgo.Record {
	f.t.Helper()
	got := make(map[string]*kgo.Record)
	f.read("all events", func(r *kgo.Record, in *schemas.InputRecord) bool {
		if e := in.GetEvent(); e != nil {
			got[e.ConversationId] = r
		}
		return len(got) >= n
	})
	return got
}

// progress waits for a progress record on every partition that says what is
// wanted.
func (f *field) progress(what string, wanted func(r *kgo.Record, upTo int64) bool) {
	f.t.Helper()
	seen := make(map[int32]bool)
	f.read(what, func(r *kgo.Record, in *schemas.InputRecord) bool {
		if p := in.GetSourceProgress(); p != nil && wanted(r, p.ReadUpToMs) {
			seen[r.Partition] = true
		}
		return len(seen) == partitions
	})
}

func (f *field) count(c *prometheus.CounterVec, labels ...string) float64 {
	f.t.Helper()
	var m dto.Metric
	if err := c.WithLabelValues(labels...).Write(&m); err != nil {
		f.t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

// ready waits until the bridge is.
func (f *field) ready() {
	f.t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for patience := time.After(20 * time.Second); f.bridge.Ready() != nil; {
		select {
		case <-poll.C:
		case <-patience:
			f.t.Fatal(f.bridge.Ready())
		}
	}
}
