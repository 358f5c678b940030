package stream

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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

	"unpark/clock"
	"unpark/processor/store"
	"unpark/schemas"
)

func TestRunnersRestart(t *testing.T) {
	k := newKafka(t, 3)
	dir := t.TempDir()
	var want []string
	for round := range 3 {
		p := k.start(k.config("a", dir))
		want = append(want, k.echo(3, 2*round*50, 50)...)
		k.waitEscalations(want)
		p.stop()
		// These stand in the input when the next one starts.
		want = append(want, k.echo(3, (2*round+1)*50, 50)...)
	}
	p := k.start(k.config("a", t.TempDir())) // state comes from the changelog alone
	k.waitEscalations(slices.Clone(want))
	p.waitReady()
	p.stop()
	k.checkEscalations(want)
}

// A process that is cut off keeps what it has not committed to itself, and its
// successor, on the same disk as of a crash, misses nothing.
func TestRunnersCrash(t *testing.T) {
	k := newKafka(t, 3)
	fs := vfs.NewCrashableMem()
	first, err := store.Open("data", store.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = first.Close() })
	var l link
	cfg := k.config("a", "")
	cfg.Store, cfg.Kafka = first, append(cfg.Kafka, kgo.Dialer(l.dial))
	old := k.start(cfg)
	want := k.echo(3, 0, 50)
	k.waitEscalations(want)
	l.set(true)
	want = append(want, k.echo(3, 50, 50)...)

	second, err := store.Open("data", store.Options{FS: fs.CrashClone(vfs.CrashCloneCfg{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.Close() })
	cfg = k.config("a", "")
	cfg.Store = second
	p := k.start(cfg)
	k.waitEscalations(want)

	l.set(false)
	wantError(t, old.wait(), "another process has taken the name "+k.group()+"-a-0")
	want = append(want, k.echo(3, 100, 50)...)
	k.waitEscalations(want)
	p.stop()
	k.checkEscalations(want)
}

func TestRunnersProduceError(t *testing.T) {
	for _, topic := range []schemas.Topic{schemas.Escalations, schemas.SLAChangelog} {
		k := newFake(t, 2)
		p := k.start(k.config("a", t.TempDir()))
		p.waitReady()
		k.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic.Name(k.prefix), Err: kerr.InvalidRecord, Partitions: []int32{1}})
		want := k.echo(2, 0, 20)
		k.waitEscalations(want)
		p.stop()
		k.checkEscalations(want)
	}
}

func TestRunnersEndError(t *testing.T) {
	faults := map[string]*kerr.Error{
		"answer lost":    kerr.RequestTimedOut, // the broker has committed all the same
		"not done":       kerr.UnknownServerError,
		"producer taken": kerr.ProducerFenced,
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			k := newFake(t, 2)
			p := k.start(k.config("a", t.TempDir()))
			p.waitReady()
			var spoken atomic.Bool // the end that fails is that of a transaction with outputs
			k.fake.Fault(
				kfake.Fault{
					Keys: []kmsg.Key{kmsg.Produce}, Topic: schemas.Escalations.Name(k.prefix), Count: -1,
					When: func(kmsg.Request) bool { spoken.Store(true); return false },
				},
				kfake.Fault{
					Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Err: fault,
					When: func(kmsg.Request) bool { return spoken.Load() },
				},
			)
			want := k.echo(2, 0, 20)
			k.waitEscalations(want)
			want = append(want, k.echo(2, 20, 20)...)
			k.waitEscalations(want)
			p.stop()
			k.checkEscalations(want)
		})
	}
}

func TestRunnersRebalance(t *testing.T) {
	k := newKafka(t, 6)
	a := k.start(k.config("a", t.TempDir()))
	want := k.echo(6, 0, 30)
	k.waitEscalations(want)
	cfg := k.config("b", t.TempDir())
	cfg.Runners = 2
	b := k.start(cfg)
	for i := range 10 {
		want = append(want, k.echo(6, 30+10*i, 10)...)
	}
	waitFor(t, "b to own partitions, and a to have given them up", func() error {
		if mine, rest := owned(b.runners), owned(a.runners); mine != 4 || rest != 2 {
			return fmt.Errorf("%d of 4, %d of 2", mine, rest)
		}
		return b.runners.Ready()
	})
	want = append(want, k.echo(6, 130, 30)...)
	k.waitEscalations(want)
	a.stop()
	b.stop()
	k.checkEscalations(want)
}

func owned(r *Runners) int {
	n := 0
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, r := range r.runners {
		r.mu.Lock()
		n += len(r.status)
		r.mu.Unlock()
	}
	return n
}

func TestRunnersRestoreEqualsState(t *testing.T) {
	k := newKafka(t, 2)
	kept := t.TempDir()
	p := k.start(k.config("a", kept))
	far := time.Now().Add(time.Hour).UnixMilli()
	for i := range 20 {
		k.produce(int32(i%2), encode(eventInput(fmt.Sprintf("far%d", i%7), far-int64(i))))
	}
	want := k.echo(2, 0, 10)
	k.waitEscalations(want)
	p.stop()
	fresh := t.TempDir()
	p = k.start(k.config("a", fresh))
	p.waitReady()
	p.stop()
	got, old := dump(t, fresh), dump(t, kept)
	if len(got) == 0 {
		t.Error("nothing was restored")
	}
	for key := range old {
		if strings.HasPrefix(key, "due") && got[key] == "" {
			delete(old, key) // stale entries are not restored
		}
	}
	if diff := cmp.Diff(old, got); diff != "" {
		t.Errorf("state after a restore (-kept +restored):\n%s", diff)
	}
}

// dump returns all that a data dir holds, but where it stands.
func dump(t *testing.T, dir string) map[string]string {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return dumpStore(t, s)
}

// dumpStore returns all that a store holds, but where it stands, and closes it.
func dumpStore(t *testing.T, s *store.Store) map[string]string {
	t.Helper()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	all := make(map[string]string)
	for id := range int32(2) {
		p := s.Partition(id)
		err := p.Scan(nil, nil, func(key, value []byte) bool {
			all[fmt.Sprintf("%d %s", id, key)] = string(value)
			if at, ok, err := newToy().Deadline(key, value); ok && err == nil {
				all[fmt.Sprintf("want %d %d %s", id, at, key)] = "set"
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		walk, err := p.Deadlines(store.Deadline{})
		if err != nil {
			t.Fatal(err)
		}
		for h, ok := walk.Head(); ok; h, ok = walk.Head() {
			key := fmt.Sprintf("%d %d %s", id, h.At, h.Key)
			delete(all, "want "+key)
			all["due "+key] = "set"
			walk.Advance()
		}
		if err := walk.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for key := range all {
		if strings.HasPrefix(key, "want") {
			t.Errorf("the index lacks %s", key)
		}
	}
	return all
}

// Hours of timers pass in a moment of a scaled clock, driven by ticks alone.
func TestRunnersTicks(t *testing.T) {
	k := newFake(t, 2)
	cfg := k.config("a", t.TempDir())
	cfg.Clock, cfg.MaxDue = clock.Scaled(time.Now(), 20_000), 2
	cfg.CommitInterval = time.Millisecond
	p := k.start(cfg)
	p.waitReady()
	due := cfg.Clock.Now().Add(4 * time.Hour).UnixMilli()
	for i := range 10 {
		k.produce(int32(i%2), encode(eventInput(fmt.Sprintf("c%d", i), due)))
	}
	waitFor(t, "escalations", func() error {
		if n := len(k.values(schemas.Escalations)); n != 10 {
			return fmt.Errorf("%d of 10", n)
		}
		return nil
	})
	p.stop()
	for _, v := range k.values(schemas.Escalations) {
		var conversation string
		var count, was, at int64
		if _, err := fmt.Sscanf(strings.ReplaceAll(v, "=", " "), "%s %d due %d at %d", &conversation, &count, &was, &at); err != nil {
			t.Fatalf("%q: %v", v, err)
		}
		if was != due || at < due {
			t.Errorf("%s was due at %d and judged at %d, want %d and not before", conversation, was, at, due)
		}
	}
	checkTicks(t, k)
}

// checkTicks checks that ticks carry the owner's clock and limit, and that each
// of them handled no more than that.
func checkTicks(t *testing.T, k *kafka) {
	t.Helper()
	ticks := 0
	for _, rec := range k.read(schemas.ConversationEvents) {
		in := new(schemas.InputRecord)
		if err := in.UnmarshalVT(rec.Value); err != nil {
			t.Fatal(err)
		}
		if tick := in.GetTick(); tick != nil {
			ticks++
			if tick.ClockMs != rec.Timestamp.UnixMilli() || tick.MaxDue != 2 || tick.Owner == "" {
				t.Errorf("tick %v with time %d", tick, rec.Timestamp.UnixMilli())
			}
		}
	}
	if ticks < 6 {
		t.Errorf("%d ticks, want 5 due ones at least in two partitions", ticks)
	}
}

func TestRunnersSuspend(t *testing.T) {
	k := newKafka(t, 2)
	p := k.start(k.config("a", t.TempDir()))
	want := k.echo(2, 0, 10)
	k.waitEscalations(want)
	k.produce(1, []byte("\x42\x01x")) // a kind of the future
	waitFor(t, "a suspended partition", func() error {
		if err := p.runners.Ready(); err == nil || !strings.Contains(err.Error(), "partition 1 is suspended") {
			return fmt.Errorf("Ready: %w", err)
		}
		return nil
	})
	wantError(t, p.runners.Ready(), "offset", "newer unpark")
	for _, v := range k.echo(2, 10, 10) {
		if strings.HasPrefix(v, "c0") {
			want = append(want, v)
		}
	}
	k.waitEscalations(want)
	p.stop()
	k.checkEscalations(want)
}

func TestRunnersDeadLetters(t *testing.T) {
	k := newKafka(t, 1)
	p := k.start(k.config("a", t.TempDir()))
	k.produce(0, []byte("{garbage"))
	want := k.echo(1, 0, 1)
	k.waitEscalations(want)
	p.stop()
	recs := k.read(schemas.DeadLetters)
	if len(recs) != 1 || len(recs[0].Value) != 0 || string(recs[0].Key) != "k" {
		t.Errorf("dead letters %v, want one with a key and no value", recs)
	}
}

func TestRunnersPartitionCountChanged(t *testing.T) {
	k := newKafka(t, 2)
	dir := t.TempDir()
	p := k.start(k.config("a", dir))
	k.waitEscalations(k.echo(2, 0, 10))
	p.stop()
	for _, topic := range []schemas.Topic{schemas.ConversationEvents, schemas.SLAChangelog} {
		name := topic.Name(k.prefix)
		if _, err := k.admin.UpdatePartitions(k.ctx(), 4, name); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "four partitions", func() error {
			m, err := k.admin.Metadata(k.ctx(), name)
			if n := len(m.Topics[name].Partitions); n != 4 {
				return fmt.Errorf("%d partitions: %w", n, err)
			}
			return nil
		})
	}
	p = k.start(k.config("a", dir))
	wantError(t, p.wait(), "had 2 partitions", "has 4 now", "replay")
}

func TestRunnersLostState(t *testing.T) {
	k := newKafka(t, 1)
	kept := t.TempDir()
	p := k.start(k.config("a", kept))
	k.waitEscalations(k.echo(1, 0, 10))
	p.stop()
	if _, err := k.admin.DeleteTopic(k.ctx(), schemas.SLAChangelog.Name(k.prefix)); err != nil {
		t.Fatal(err)
	}
	k.create(schemas.SLAChangelog, 1)
	for _, dir := range []string{t.TempDir(), kept} {
		p = k.start(k.config("a", dir))
		waitFor(t, "a suspended partition", func() error {
			if err := p.runners.Ready(); err == nil || !strings.Contains(err.Error(), "state was lost") {
				return fmt.Errorf("Ready: %w", err)
			}
			return nil
		})
		p.stop()
	}
}

// Growing the input while it is worked ends the processor: the keys have moved.
func TestRunnersInputGrows(t *testing.T) {
	k := newFake(t, 2)
	cfg := k.config("a", t.TempDir())
	cfg.Kafka = append(cfg.Kafka, kgo.MetadataMaxAge(100*time.Millisecond))
	p := k.start(cfg)
	p.waitReady()
	if _, err := k.admin.UpdatePartitions(k.ctx(), 3, schemas.ConversationEvents.Name(k.prefix)); err != nil {
		t.Fatal(err)
	}
	wantError(t, p.wait(), "has grown beyond 2 partitions", "replay")
}

func TestRunnersGroupOffsetsLost(t *testing.T) {
	k := newKafka(t, 1)
	p := k.start(k.config("a", t.TempDir()))
	want := k.echo(1, 0, 10)
	k.waitEscalations(want)
	p.stop()
	leave := kadm.LeaveGroup(k.group()).InstanceIDs(k.group() + "-a-0")
	if _, err := k.admin.LeaveGroup(k.ctx(), leave); err != nil {
		t.Fatal(err)
	}
	if _, err := k.admin.DeleteGroup(k.ctx(), k.group()); err != nil {
		t.Fatal(err)
	}
	p = k.start(k.config("a", t.TempDir())) // the meta record knows
	want = append(want, k.echo(1, 10, 10)...)
	k.waitEscalations(want)
	p.stop()
	k.checkEscalations(want)
}

// The group answers a join when all members have joined, and one that was killed
// holds that up. Neither a commit, which waits for the join, nor the close may
// hold a stop up with it.
func TestRunnersStopWhileJoining(t *testing.T) {
	k := newFake(t, 2)
	a := k.start(k.config("a", t.TempDir()))
	a.waitReady()
	joining := make(chan struct{})
	k.fake.ControlKey(int16(kmsg.JoinGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		if id := req.(*kmsg.JoinGroupRequest).InstanceID; id == nil || *id != k.group()+"-a-0" {
			return nil, nil, false
		}
		k.fake.SleepControl(func() { close(joining); <-k.ctx().Done() })
		return nil, nil, false
	})
	b := k.start(k.config("b", t.TempDir()))
	<-joining
	k.echo(2, 0, 20)
	a.stop()
	b.stop()
}

// The brokers have committed, and the process does not hear of it until its
// retries are used up: what it committed is not said again.
func TestRunnersEndAnswerLost(t *testing.T) {
	k := newKafka(t, 2)
	var l link
	cfg := k.config("a", t.TempDir())
	cfg.Kafka = append(cfg.Kafka, kgo.Dialer(l.dial), kgo.RequestRetries(1), kgo.RetryBackoffFn(func(int) time.Duration { return time.Millisecond }))
	p := k.start(cfg)
	p.waitReady()
	var want []string
	for round := range 5 {
		lost := make(chan struct{})
		l.loseEnd(func() { close(lost) })
		before := value(t, p.runners.metrics.rebuilds)
		want = append(want, k.echo(2, 20*round, 20)...)
		<-lost
		waitFor(t, "the session to be given up", func() error {
			if value(t, p.runners.metrics.rebuilds) == before {
				return errors.New("it goes on")
			}
			return nil
		})
		l.set(false)
	}
	k.waitEscalations(want)
	p.stop()
	k.checkEscalations(want)
}

// A session joins the group while it is being opened. One that comes to nothing
// after that has taken the runner's name from the runner itself, which is no
// reason to end.
func TestRunnersOpenFails(t *testing.T) {
	k := newFake(t, 2)
	p := k.start(k.config("a", t.TempDir()))
	p.waitReady()
	refused := k.fake.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.TransactionalIDAuthorizationFailed, Count: 3,
		When: func(req kmsg.Request) bool { return req.(*kmsg.InitProducerIDRequest).TransactionalID != nil },
	})
	k.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: schemas.SLAChangelog.Name(k.prefix), Err: kerr.InvalidRecord})
	want := k.echo(2, 0, 20)
	k.waitEscalations(want)
	if n := refused.Hits(); n != 3 {
		t.Errorf("the session was refused %d times, want 3", n)
	}
	p.stop()
	k.checkEscalations(want)
}

// A group session that is lost while a transaction ends cannot be closed before the
// end has been given up, and until then the client waits for a heartbeat that nobody
// sends. The brokers abort the transaction by themselves when its time is over: it
// is not waited for longer.
func TestRunnersGroupLostInEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: waits for a transaction's time to be over")
	}
	k := newFake(t, 2)
	p := k.start(k.config("a", t.TempDir()))
	p.waitReady()
	beats := k.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, TopLevel: true, Err: kerr.UnknownMemberID})
	var held atomic.Bool
	k.fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		if req.(*kmsg.ProduceRequest).TransactionID != nil && !held.Swap(true) {
			k.fake.SleepControl(func() {
				waitFor(t, "the group to be lost", func() error {
					if beats.Hits() == 0 {
						return errors.New("no heartbeat")
					}
					return nil
				})
			})
		}
		return nil, nil, false
	})
	want := k.echo(2, 0, 20)
	k.waitEscalations(want)
	p.stop()
	k.checkEscalations(want)
	if !held.Load() {
		t.Error("the group was not lost within an end")
	}
}

// A partition that has moved between two runners of a process is worked by the new
// one when the old one has brought what it committed to where the new one reads it.
func TestRunnersLease(t *testing.T) {
	k := newKafka(t, 2)
	p, err := New(k.config("a", t.TempDir()), func(int32) Handler { return newToy() })
	if err != nil {
		t.Fatal(err)
	}
	release, err := p.leases.acquire(k.ctx(), 0) // as the old one does
	if err != nil {
		t.Fatal(err)
	}
	running := k.run(p)
	want := k.echo(2, 0, 20)
	for i := range 10 { // each takes a turn of the loop at least, which would see partition 0 recovered
		in := eventInput("alone", 0)
		in.GetEvent().Direction = echoDirection
		k.produce(1, encode(in))
		want = append(want, fmt.Sprintf("alone#%d", i+1))
		waitFor(t, "partition 1 to be worked", func() error {
			if vs := k.values(schemas.Escalations); !slices.Contains(vs, want[len(want)-1]) {
				return fmt.Errorf("%d escalations", len(vs))
			}
			return nil
		})
	}
	for _, v := range k.values(schemas.Escalations) {
		if strings.HasPrefix(v, "c0") {
			t.Errorf("%s was said before the lease was given back", v)
		}
	}
	release()
	k.waitEscalations(want)
	running.stop()
}

// Every commit carries the position of all partitions that run, also of those that
// the transaction has not touched.
func TestRunnersCommitAllPositions(t *testing.T) {
	k := newFake(t, 3)
	p := k.start(k.config("a", t.TempDir()))
	k.waitEscalations(k.echo(3, 0, 1)) // all of them have a state
	var fewest atomic.Int64
	fewest.Store(3)
	k.fake.ControlKey(int16(kmsg.TxnOffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		n := 0
		for _, topic := range req.(*kmsg.TxnOffsetCommitRequest).Topics {
			n += len(topic.Partitions)
		}
		fewest.Store(min(fewest.Load(), int64(n)))
		return nil, nil, false
	})
	for i := range 10 {
		in := eventInput("alone", int64(i))
		in.GetEvent().Direction = echoDirection
		k.produce(1, encode(in))
	}
	waitFor(t, "partition 1 to be worked", func() error {
		if n := len(k.values(schemas.Escalations)); n != 13 {
			return fmt.Errorf("%d of 13", n)
		}
		return nil
	})
	p.stop()
	if n := fewest.Load(); n != 3 {
		t.Errorf("a commit with %d positions, want 3", n)
	}
}

// What a runner owns is what the group says it owns, whether or not the client has
// called anybody about it. Nothing is worked meanwhile that could end the session.
func TestRunnersGiveUpWhileIdle(t *testing.T) {
	k := newKafka(t, 6)
	quiet := func(name string) Config {
		cfg := k.config(name, t.TempDir())
		cfg.IdleTickInterval = time.Hour
		return cfg
	}
	a := k.start(quiet("a"))
	k.waitEscalations(k.echo(6, 0, 1))
	b := k.start(quiet("b"))
	waitFor(t, "each to own its half", func() error {
		if mine, rest := owned(b.runners), owned(a.runners); mine != 3 || rest != 3 {
			return fmt.Errorf("%d and %d", mine, rest)
		}
		return nil
	})
	a.stop()
	b.stop()
}
