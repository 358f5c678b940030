package processor_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/processor/store"
	"unpark/processor/stream"
	"unpark/schemas"
)

// TestScriptsThroughKafka runs every script through the Kafka task too: the
// records that the replay applied are put on a topic, and the runners must
// produce the replay's escalations and requests, byte for byte.
func TestScriptsThroughKafka(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := parseScript(t, data)
			var log []stream.Record
			want := runReplay(t, s, func(r stream.Record) { log = append(log, r) })
			k := kafkaRun{t: t, prefix: name + ".", opts: []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}}
			got := k.outputs(s, log, len(want))
			for _, topic := range []schemas.Topic{schemas.Escalations, schemas.GenesysRequests} {
				if diff := cmp.Diff(texts(want, topic), texts(got, topic)); diff != "" {
					t.Errorf("%s (-replay +kafka):\n%s", topic.Suffix, diff)
				}
			}
		})
	}
}

func texts(records []stream.Output, topic schemas.Topic) []string {
	var s []string
	for _, r := range records {
		if r.Topic.Suffix == topic.Suffix {
			s = append(s, string(r.Value))
		}
	}
	return s
}

// kafkaRun is one script's own set of topics.
type kafkaRun struct {
	t      *testing.T
	prefix string
	opts   []kgo.Opt
}

func (k kafkaRun) client(opts ...kgo.Opt) *kgo.Client {
	k.t.Helper()
	cl, err := kgo.NewClient(append(k.opts[:len(k.opts):len(k.opts)], opts...)...)
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(cl.Close)
	return cl
}

// outputs puts the log on the input topic, runs the runners over it, and
// returns what they produced once everything was read.
func (k kafkaRun) outputs(s script, log []stream.Record, want int) []stream.Output {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), time.Minute)
	defer cancel()
	k.produce(ctx, log)
	memory, err := store.OpenMemory()
	if err != nil {
		k.t.Fatal(err)
	}
	configs, _ := scriptConfigs(k.t, s)
	runners, err := stream.New(stream.Config{
		Kafka: k.opts, Prefix: k.prefix, Instance: "test", Logger: slog.New(slog.NewTextHandler(k.t.Output(), nil)), Store: memory, Embedded: true, CommitInterval: time.Millisecond,
		// The runner's own ticks come behind the log, and are no later than it.
		Clock: clock.Scaled(time.UnixMilli(log[len(log)-1].AppendTime), 1e-6),
	}, func(int32) stream.Handler { return newHandler(k.t, configs) })
	if err != nil {
		k.t.Fatal(err)
	}
	done := make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	go func() { done <- runners.Run(running) }()
	out := k.consume(ctx, int64(len(log)), want)
	stop()
	if err := <-done; err != nil {
		k.t.Error(err)
	}
	if err := memory.Close(); err != nil {
		k.t.Error(err)
	}
	return out
}

func (k kafkaRun) produce(ctx context.Context, log []stream.Record) {
	k.t.Helper()
	cl := k.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin := kadm.NewClient(cl)
	for _, topic := range schemas.Topics() {
		if _, err := admin.CreateTopic(ctx, 1, 1, nil, topic.Name(k.prefix)); err != nil {
			k.t.Fatal(err)
		}
	}
	var records []*kgo.Record
	for _, r := range log {
		value, err := r.Input.MarshalVT()
		if err != nil {
			k.t.Fatal(err)
		}
		records = append(records, &kgo.Record{
			Topic: schemas.ConversationEvents.Name(k.prefix), Timestamp: time.UnixMilli(r.AppendTime), Value: value,
		})
	}
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		k.t.Fatal(err)
	}
}

// consume reads what the processor tells and asks until its group has committed
// the log and as many records were read as the replay led to.
func (k kafkaRun) consume(ctx context.Context, logEnd int64, want int) []stream.Output {
	k.t.Helper()
	cl := k.client(
		kgo.ConsumeTopics(schemas.Escalations.Name(k.prefix), schemas.GenesysRequests.Name(k.prefix)), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(50*time.Millisecond),
	)
	admin := kadm.NewClient(cl)
	group := strings.TrimRight(k.prefix, ".") + "-processor"
	var out []stream.Output
	for read := false; !read || len(out) < want; {
		if ctx.Err() != nil {
			k.t.Fatalf("got %d records, want %d; log read: %v", len(out), want, read)
		}
		poll, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		fetches := cl.PollFetches(poll)
		cancel()
		fetches.EachRecord(func(r *kgo.Record) {
			topic := schemas.Escalations
			if r.Topic == schemas.GenesysRequests.Name(k.prefix) {
				topic = schemas.GenesysRequests
			}
			out = append(out, stream.Output{Topic: topic, Value: r.Value})
		})
		if !read {
			offsets, err := admin.FetchOffsets(ctx, group)
			o, ok := offsets.Lookup(schemas.ConversationEvents.Name(k.prefix), 0)
			read = err == nil && ok && o.At >= logEnd
		}
	}
	return out
}
