package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/internal/localtest"
	"unpark/schemas"
)

// restartTries is how often a process with local state is killed.
const restartTries = 5

// TestRestore writes UNPARK_BENCH_RESTORE changelog records, two of each
// conversation, and measures how long a processor without local state takes to
// restore them; then how long one with local state takes from kill -9 and its
// start to the first committed record. Without the variable it is skipped.
func TestRestore(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("UNPARK_BENCH_RESTORE"))
	if err != nil {
		t.Skip("UNPARK_BENCH_RESTORE is not set")
	}
	r := newRig(t, 2)
	r.changelog(n)
	p := r.start()
	waitFor(t, "all partitions to run", func() bool { return strings.Count(p.log(), "partition running") == partitions })
	slowest := time.Duration(0)
	// A partition that goes from one runner to the other has little left to restore.
	restored := regexp.MustCompile(`msg=restored .*duration=(\S+) count=\d{3,}`).FindAllStringSubmatch(p.log(), -1)
	for _, m := range restored {
		d, err := time.ParseDuration(m[1])
		if err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, d)
	}
	if len(restored) != partitions {
		t.Fatalf("%d of %d partitions say that they are restored:\n%s", len(restored), partitions, p.log())
	}
	fmt.Printf("restore: records=%d partitions=%d seconds=%.1f records/s=%.0f cpu_us/record=%.2f peak_rss_mb=%d\n",
		n, partitions, slowest.Seconds(), float64(n)/slowest.Seconds(), cpu(t, p.cmd.Process.Pid)/float64(n)*1e6, peakRSS(t, p.cmd.Process.Pid))
	record(t, atLeast("restore", 400_000, float64(n)/slowest.Seconds(), "records/s"))
	record(t, atMost(fmt.Sprintf("kill -9 with local state, to the first committed record, the longest of %d", restartTries), 1, r.restarts(p).Seconds(), "s"))
}

// restarts kills the process while events come in, and starts it anew; it returns how
// long that took at most.
func (r *rig) restarts(p *proc) (longest time.Duration) {
	ctx, stop := context.WithCancel(r.t.Context())
	defer stop()
	go r.trickle(ctx)
	for range restartTries {
		waitFor(r.t, "progress", r.progress())
		_ = p.cmd.Process.Kill()
		<-p.exited
		moved := r.progress()
		begun := time.Now()
		p = r.start()
		waitFor(r.t, "the first commit", moved)
		took := time.Since(begun)
		longest = max(longest, took)
		fmt.Printf("restart after kill -9: seconds to the first committed record=%.2f\n", took.Seconds())
	}
	return longest
}

// progress returns a check that the group has moved on since.
func (r *rig) progress() func() bool {
	before := committed(r.t, r.cl)
	return func() bool { return committed(r.t, r.cl) > before }
}

// trickle produces an event every few milliseconds.
func (r *rig) trickle(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
			r.cl.TryProduce(ctx, startEvent(r.t, fmt.Sprintf("trickle-%d", i), time.Now().UnixMilli()), nil)
		case <-ctx.Done():
			return
		}
	}
}

// changelog writes states of held conversations, and each partition's meta record.
func (r *rig) changelog(n int) {
	topic := schemas.SLAChangelog.Name(prefix)
	now := time.Now()
	for i := range n {
		c := i % (n / 2)
		id := fmt.Sprintf("%08x-0000-4000-8000-%012x", c*2654435761&0xffffffff, c)
		value, err := schemas.AppendState(nil, heldState(id, now.Add(time.Duration(c)*time.Millisecond).UnixMilli()))
		if err != nil {
			r.t.Fatal(err)
		}
		r.produce(&kgo.Record{Topic: topic, Partition: int32(c % partitions), Key: schemas.ConversationKey(org, id), Value: value})
	}
	if err := r.manual.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	for p := range int32(partitions) {
		meta := &schemas.PartitionMeta{Version: 1, NowMs: now.UnixMilli(), Sequence: 1, Partitions: partitions}
		value, err := meta.MarshalVT()
		if err != nil {
			r.t.Fatal(err)
		}
		r.produce(&kgo.Record{Topic: topic, Partition: p, Key: schemas.MetaKey, Value: value})
	}
	if err := r.manual.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// heldState is a conversation that an agent holds.
func heldState(id string, at int64) *schemas.ConversationState {
	due := at + 3*3600_000
	session := func(prefix string, kind schemas.SessionKind, ended bool) *schemas.Session {
		s := &schemas.Session{Id: prefix + id[1:], Kind: kind, StartedAtMs: &at}
		if ended {
			s.EndedAtMs = &at
		}
		return s
	}
	fact := func(v string) *schemas.Fact { return &schemas.Fact{Value: v, AtMs: at, SessionId: "c" + id[1:]} }
	return &schemas.ConversationState{DeadlineMs: &due, Episode: &schemas.Episode{
		Opened: true, FirstStart: fact("inbound"), Queue: fact("b15b0736-0000-4000-8000-6018f0c22fa7"),
		Division: fact("0f1e0000-0000-4000-8000-000000000000"), Media: fact("message"), MessageType: fact("whatsapp"),
		Sessions: []*schemas.Session{
			session("c", schemas.SessionKind_SESSION_KIND_CUSTOMER, false), session("q", schemas.SessionKind_SESSION_KIND_ACD, true),
			session("u", schemas.SessionKind_SESSION_KIND_USER, false),
		},
	}}
}

// rig is a broker with unpark's topics and a configuration.
type rig struct {
	t              *testing.T
	broker         *localtest.Server
	dir            string
	binary, config string
	cl, manual     *kgo.Client // by key, by partition
	n              int
}

func newRig(t *testing.T, runners int) *rig {
	if testing.Short() {
		t.Skip("-short: needs processes of its own")
	}
	r := &rig{t: t, dir: t.TempDir()}
	var err error
	if r.broker, err = localtest.StartKafka(localtest.Dir(filepath.Join(r.dir, "kafka"))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.broker.Close(); err != nil {
			t.Error(err)
		}
	})
	broker := r.broker.Addr
	r.binary, r.config = build(t, r.dir), configure(t, r.dir, broker, runners)
	run(t, r.binary, "topics", "create", "--config", r.config)
	run(t, r.binary, "config", "apply", "--config", r.config)
	client := func(opts ...kgo.Opt) *kgo.Client {
		cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(broker), kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.MaxBufferedRecords(100_000))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return cl
	}
	r.cl, r.manual = client(), client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	return r
}

func (r *rig) produce(rec *kgo.Record) {
	r.manual.Produce(r.t.Context(), rec, func(_ *kgo.Record, err error) {
		if err != nil {
			r.t.Error(err)
		}
	})
}

// ends is the number of records that read_committed readers of a topic can see,
// markers included.
func (r *rig) ends(topic string) (n int64) {
	offsets, err := kadm.NewClient(r.cl).ListCommittedOffsets(r.t.Context(), topic)
	if err != nil {
		r.t.Fatal(err)
	}
	offsets.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// proc is a running unpark.
type proc struct {
	t      *testing.T
	cmd    *exec.Cmd
	exited <-chan struct{}
	file   string
}

func (r *rig) start() *proc { return r.startAs("processor") }

// startAs starts a process with one role.
func (r *rig) startAs(role string) *proc {
	r.n++
	p := &proc{t: r.t, file: filepath.Join(r.dir, fmt.Sprintf("log-%d", r.n))}
	log, err := os.Create(p.file)
	if err != nil {
		r.t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command(r.binary, "run", "--config", r.config, "--roles", role)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if p.exited, err = localtest.Spawn(p.cmd); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	return p
}

func (p *proc) log() string {
	text, err := os.ReadFile(p.file)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	waitEvery(t, 5*time.Millisecond, what, done)
}

// waitEvery asks only so often, where asking costs something.
func waitEvery(t *testing.T, interval time.Duration, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	timeout := time.After(5 * time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("waiting for %s", what)
		}
	}
}

// startEvent is a customer's start.
func startEvent(t *testing.T, id string, at int64) *kgo.Record {
	value, err := (&schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{
		OrgId: org, ConversationId: id, Topic: schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, SessionId: "c" + id,
		EventTimeMs: at, MediaType: "message", MessageType: "whatsapp", Direction: "inbound",
	}}}).MarshalVT()
	if err != nil {
		t.Error(err)
	}
	return &kgo.Record{Topic: schemas.ConversationEvents.Name(prefix), Key: []byte(id), Value: value}
}
