package processor_test

import (
	"context"
	"hash/fnv"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/clock"
	"unpark/internal/crashfs"
	"unpark/processor/store"
	"unpark/processor/stream"
	"unpark/schemas"
)

// play puts the log on the topics of a cluster of its own, lets the processes
// live one after the other, and returns what they committed.
func (s scenario) play(t *testing.T, log []stream.Record) [][]byte {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	p := &player{scenario: s, t: t, cluster: cluster, fs: crashfs.New(), at: time.UnixMilli(log[len(log)-1].AppendTime)}
	p.admin = kadm.NewClient(p.client())
	p.createTopics()
	p.append(log)
	for _, l := range s.lives {
		p.live(l)
	}
	return p.committed()
}

type player struct {
	scenario
	t       *testing.T
	cluster *kfake.Cluster
	admin   *kadm.Client
	fs      *crashfs.FS
	at      time.Time // of the log's last record
	ends    []int64   // of the log's partitions
	total   int64
}

func (p *player) ctx() context.Context {
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Minute)
	p.t.Cleanup(cancel)
	return ctx
}

func (p *player) client(opts ...kgo.Opt) *kgo.Client {
	p.t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(p.cluster.ListenAddrs()...))...)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(cl.Close)
	return cl
}

func (p *player) createTopics() {
	p.t.Helper()
	for _, topic := range schemas.Topics() {
		// The log is as old as its story; nothing of it may be deleted for that.
		configs := map[string]*string{"retention.ms": new("-1")}
		if policy := topic.Config["cleanup.policy"]; policy != "" {
			configs["cleanup.policy"] = &policy
		}
		n := p.partitions
		if !topic.Partitioned {
			n = 1
		}
		if _, err := p.admin.CreateTopic(p.ctx(), n, 1, configs, topic.Name("")); err != nil {
			p.t.Fatal(err)
		}
	}
}

// append spreads a log over the partitions: a conversation's records by its id,
// everything else to all of them.
func (p *player) append(log []stream.Record) {
	p.t.Helper()
	cl := p.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	var records []*kgo.Record
	for _, r := range log {
		value, err := r.Input.MarshalVT()
		if err != nil {
			p.t.Fatal(err)
		}
		for id := range p.partitions {
			if c := conversationOf(r.Input); c != "" && int32(hash(c)%uint32(p.partitions)) != id {
				continue
			}
			records = append(records, &kgo.Record{
				Topic: schemas.ConversationEvents.Name(""), Partition: id, Timestamp: time.UnixMilli(r.AppendTime), Value: value,
			})
		}
	}
	if err := cl.ProduceSync(p.ctx(), records...).FirstErr(); err != nil {
		p.t.Fatal(err)
	}
	p.ends, p.total = make([]int64, p.partitions), 0
	for _, r := range records {
		p.ends[r.Partition] = r.Offset + 1
	}
	for _, end := range p.ends {
		p.total += end
	}
}

func conversationOf(in *schemas.InputRecord) string {
	switch kind := in.Kind.(type) {
	case *schemas.InputRecord_Event:
		return kind.Event.ConversationId
	case *schemas.InputRecord_ThreadObserved:
		return kind.ThreadObserved.ConversationId
	}
	return ""
}

func hash(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}

// live runs a process until its share of the log is read, then ends it.
func (p *player) live(l life) {
	p.t.Helper()
	st, err := store.Open("data", store.Options{FS: p.fs})
	if err != nil {
		p.t.Fatal(err)
	}
	var way way
	runners, err := stream.New(stream.Config{
		Kafka:    []kgo.Opt{kgo.SeedBrokers(p.cluster.ListenAddrs()...), kgo.Dialer(way.dial), kgo.MetadataMinAge(20 * time.Millisecond)},
		Instance: "test", Group: "g", Store: st, Embedded: true, Runners: p.runners, CommitInterval: p.interval, MaxRecords: p.maxRecords,
		Logger: slog.New(slog.NewTextHandler(p.t.Output(), nil)),
		// The runner's own ticks come behind the log, and are no later than it.
		Clock: clock.Scaled(p.at, 1e-6),
	}, func(int32) stream.Handler { return newHandler(p.t, p.history) })
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(p.t.Context())
	done := make(chan error, 1)
	go func() { done <- runners.Run(ctx) }()
	for _, f := range l.faults {
		var seen atomic.Int64
		fault := kfake.Fault{Keys: []kmsg.Key{f.key}, Err: f.err, Count: f.count, TopLevel: f.key == kmsg.EndTxn || f.key == kmsg.Heartbeat || f.key == kmsg.InitProducerID,
			When: func(kmsg.Request) bool { return seen.Add(1) > int64(f.after) }}
		defer p.cluster.Fault(fault).Remove()
	}
	begun := p.read()
	want := int64(l.until) * p.total / 100
	p.wait((begun+want)/2, done)
	turns[l.turn](p.cluster)
	p.wait(want, done)
	if l.end == endStop {
		stop()
		if err := <-done; err != nil {
			p.t.Error(err)
		}
		p.close(st)
		return
	}
	way.cut()
	disk := p.fs
	p.fs = crashfs.New()
	if l.end == endCrash {
		p.fs = disk.Crash(vfs.CrashCloneCfg{})
	}
	p.t.Cleanup(func() { stop(); <-done; p.close(st) })
}

func (p *player) close(st *store.Store) {
	if err := st.Close(); err != nil {
		p.t.Error(err)
	}
}

// wait returns when the group has read so many records of the log.
func (p *player) wait(want int64, done <-chan error) {
	p.t.Helper()
	ctx := p.ctx()
	for p.read() < want {
		select {
		case <-ctx.Done():
			p.t.Fatalf("%d of %d records read", p.read(), want)
		case err := <-done:
			p.t.Fatalf("the processor ended: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// read returns how many records of the log the group has read.
func (p *player) read() (n int64) {
	offsets, err := p.admin.FetchOffsets(p.t.Context(), "g")
	for id, end := range p.ends {
		if o, ok := offsets.Lookup(schemas.ConversationEvents.Name(""), int32(id)); ok && err == nil {
			n += min(o.At, end)
		}
	}
	return n
}

// committed reads escalations to their end.
func (p *player) committed() [][]byte {
	p.t.Helper()
	topic := schemas.Escalations.Name("")
	ends, err := p.admin.ListCommittedOffsets(p.ctx(), topic)
	if err != nil {
		p.t.Fatal(err)
	}
	cl := p.client(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(20*time.Millisecond), kgo.KeepControlRecords())
	var out [][]byte
	missing := 0
	ends.Each(func(o kadm.ListedOffset) { missing += int(o.Offset) })
	for at := make(map[int32]int64); missing > 0; {
		fetches := cl.PollFetches(p.ctx())
		if err := fetches.Err(); err != nil {
			p.t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			missing -= int(r.Offset + 1 - at[r.Partition])
			at[r.Partition] = r.Offset + 1
			if !r.Attrs.IsControl() {
				out = append(out, r.Value)
			}
		})
	}
	return out
}

// way is a process's way to the brokers, until it is cut.
type way struct {
	mu     sync.Mutex
	closed bool
	conns  []net.Conn
}

func (w *way) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, net.ErrClosed
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err == nil {
		w.conns = append(w.conns, c)
	}
	return c, err
}

func (w *way) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, c := range w.conns {
		_ = c.Close()
	}
}
