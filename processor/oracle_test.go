package processor_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"unpark/clock"
	"unpark/processor/replay"
	"unpark/processor/store"
	"unpark/processor/stream"
	"unpark/schemas"
)

// oracleSeeds is how many scenarios TestOracle plays; UNPARK_ORACLE sets another
// number.
const oracleSeeds = 12

// scenario is a history, a cluster, and what befalls the processes that read the
// one on the other.
type scenario struct {
	history    history
	partitions int32
	runners    int
	interval   time.Duration
	maxRecords int
	lives      []life
}

// life is one process: how it ends, and what goes wrong meanwhile.
type life struct {
	// until is the share of the log, in percent, that is read when it ends.
	until  int
	end    string
	faults []fault
	// turn is what the cluster does half way.
	turn string
}

// turns are what a cluster does by itself.
var turns = map[string]func(*kfake.Cluster){
	"nothing":           func(*kfake.Cluster) {},
	"leaders move":      (*kfake.Cluster).ShufflePartitionLeaders,
	"coordinators move": (*kfake.Cluster).RehashCoordinators,
	"compaction":        (*kfake.Cluster).Compact,
}

// Ends of a process, and what its successor finds.
const (
	endStop  = "stop"         // told to stop; the disk as it was left
	endCrash = "crash"        // cut off; the disk as after a power cut
	endLost  = "lose the dir" // cut off; an empty disk
)

// fault is an answer of the brokers instead of the right one.
type fault struct {
	key   kmsg.Key
	err   *kerr.Error
	after int // so many requests are answered rightly first
	count int
}

// faultsByKey are answers that brokers give, by request.
var faultsByKey = map[kmsg.Key][]*kerr.Error{
	kmsg.Produce:         {kerr.NotLeaderForPartition, kerr.InvalidRecord, kerr.RequestTimedOut},
	kmsg.EndTxn:          {kerr.RequestTimedOut, kerr.UnknownServerError, kerr.CoordinatorNotAvailable},
	kmsg.TxnOffsetCommit: {kerr.IllegalGeneration, kerr.CoordinatorLoadInProgress, kerr.UnknownMemberID},
	kmsg.Fetch:           {kerr.NotLeaderForPartition, kerr.UnknownServerError},
	kmsg.Heartbeat:       {kerr.RebalanceInProgress, kerr.UnknownMemberID},
	kmsg.OffsetFetch:     {kerr.UnstableOffsetCommit, kerr.CoordinatorLoadInProgress},
	kmsg.ListOffsets:     {kerr.NotLeaderForPartition},
	kmsg.InitProducerID:  {kerr.ConcurrentTransactions, kerr.CoordinatorNotAvailable},
}

var faultKeys = []kmsg.Key{
	kmsg.Produce, kmsg.EndTxn, kmsg.TxnOffsetCommit, kmsg.Fetch, kmsg.Heartbeat, kmsg.OffsetFetch, kmsg.ListOffsets, kmsg.InitProducerID,
}

func genScenario(t *rapid.T) scenario {
	s := scenario{
		history:    genChangedHistory(t, genRules),
		partitions: rapid.SampledFrom([]int32{1, 2, 3}).Draw(t, "partitions"),
		runners:    rapid.IntRange(1, 2).Draw(t, "runners"),
		interval:   rapid.SampledFrom([]time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond}).Draw(t, "interval"),
		maxRecords: rapid.SampledFrom([]int{1, 3, 10_000}).Draw(t, "max records"),
	}
	until := 0
	for i := range rapid.IntRange(1, 4).Draw(t, "lives") {
		label := fmt.Sprintf("life %d ", i)
		until += rapid.IntRange(1, 30).Draw(t, label+"length")
		l := life{until: min(until, 100), end: rapid.SampledFrom([]string{endStop, endCrash, endLost}).Draw(t, label+"end")}
		l.turn = rapid.SampledFrom(slices.Sorted(maps.Keys(turns))).Draw(t, label+"turn")
		for j := range rapid.IntRange(0, 2).Draw(t, label+"faults") {
			f := fault{key: rapid.SampledFrom(faultKeys).Draw(t, label+"key")}
			f.err = rapid.SampledFrom(faultsByKey[f.key]).Draw(t, label+"error")
			f.after = rapid.IntRange(0, 5).Draw(t, label+strconv.Itoa(j))
			f.count = rapid.IntRange(1, 2).Draw(t, label+"count")
			l.faults = append(l.faults, f)
		}
		s.lives = append(s.lives, l)
	}
	s.lives = append(s.lives, life{until: 100, end: endStop, turn: "nothing"})
	return s
}

// TestOracle: whatever happens to the processes, and however the log is cut into
// partitions and transactions, what is committed is what the model says, each
// record once and byte for byte as the replay writes it.
func TestOracle(t *testing.T) {
	n := oracleSeeds
	if s := os.Getenv("UNPARK_ORACLE"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("UNPARK_ORACLE: %v", err)
		}
	}
	gen := rapid.Custom(genScenario)
	for seed := range n {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			s := gen.Example(seed)
			records, log := s.history.recorded(t)
			var out []stream.Output
			for _, r := range records {
				out = append(out, stream.Output{Topic: schemas.Escalations, Value: r})
			}
			if diff := cmp.Diff(byLog(t, s.history.orgs, log, out)); diff != "" {
				t.Fatalf("(-model +replay):\n%s", diff)
			}
			t.Logf("%d records on %d partitions, %d escalations, %d lives", len(log), s.partitions, len(records), len(s.lives))
			if diff := cmp.Diff(byConversation(t, records), byConversation(t, s.play(t, log))); diff != "" {
				t.Errorf("(-replay +kafka):\n%s\n%s", diff, s.history)
			}
		})
	}
}

// TestAnyCores: the same bytes whether one core works or two, in a replay, in shards
// side by side and through Kafka.
func TestAnyCores(t *testing.T) {
	scenarios, histories := rapid.Custom(genScenario), rapid.Custom(genHistory)
	for seed := range 4 {
		s, h := scenarios.Example(1000+seed), histories.Example(seed)
		s.lives = s.lives[len(s.lives)-1:] // what befalls processes is TestOracle's
		want, log := s.history.recorded(t)
		sharded, _ := h.recorded(t)
		for _, cores := range []int{1, 2} {
			func() {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
				got, _ := s.history.recorded(t)
				if diff := cmp.Diff(asText(want), asText(got)); diff != "" {
					t.Errorf("seed %d, replay on %d cores:\n%s", seed, cores, diff)
				}
				if diff := cmp.Diff(asText(sharded), h.sharded(t, 4, 3)); diff != "" {
					t.Errorf("seed %d, shards on %d cores:\n%s", seed, cores, diff)
				}
				if diff := cmp.Diff(byConversation(t, want), byConversation(t, s.play(t, log))); diff != "" {
					t.Errorf("seed %d, Kafka on %d cores:\n%s", seed, cores, diff)
				}
			}()
		}
	}
}

// recorded returns what a replay of the history says, and the log it made.
func (h history) recorded(t *testing.T) (out [][]byte, log []stream.Record) {
	t.Helper()
	d, err := replay.New(newHandler(t, h), func(o stream.Output) error {
		out = append(out, o.Value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.Log = func(r stream.Record) { log = append(log, r) }
	for _, in := range h.first() {
		if err := d.Apply(in); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range h.moments {
		if err := d.Pipe(m.record(), m.at); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	return out, log
}

func decodeAll(t *testing.T, records [][]byte) []*schemas.Escalation {
	t.Helper()
	var out []*schemas.Escalation
	for _, r := range records {
		e, err := schemas.DecodeEscalation(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// byConversation keeps the order of what one conversation says.
func byConversation(t *testing.T, records [][]byte) map[string][]string {
	t.Helper()
	said := make(map[string][]string)
	for i, e := range decodeAll(t, records) {
		key := e.Org + "/" + e.Conversation
		said[key] = append(said[key], string(records[i]))
	}
	return said
}

// play puts the log on the topics of a cluster of its own, lets the processes
// live one after the other, and returns what they committed.
func (s scenario) play(t *testing.T, log []stream.Record) [][]byte {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	p := &player{scenario: s, t: t, cluster: cluster, fs: vfs.NewCrashableMem(), at: time.UnixMilli(log[len(log)-1].AppendTime)}
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
	fs      *vfs.MemFS
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
	p.fs = vfs.NewCrashableMem()
	if l.end == endCrash {
		p.fs = disk.CrashClone(vfs.CrashCloneCfg{})
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
