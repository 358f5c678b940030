package stream

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"unpark/processor/store"
	"unpark/schemas"
)

// bench drives a Task as the runner does, without Kafka.
type bench struct {
	t       testing.TB
	store   *store.Store
	task    *Task
	toy     *toy
	offset  int64
	log     []Change // the changelog
	outputs []string
	letters []Output
	last    *int32 // newest partition of the store
}

func newBench(t testing.TB) *bench {
	t.Helper()
	s, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, store: s}
	t.Cleanup(func() {
		b.task.Abort()
		if err := errors.Join(b.task.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	b.open(0)
	return b
}

func (b *bench) open(partition int32) {
	b.t.Helper()
	b.openOn(b.store.Partition(partition))
}

func (b *bench) openOn(p *store.Partition) {
	b.t.Helper()
	b.toy = newToy()
	task, err := NewTask(TaskConfig{Partition: 7, Partitions: 12, Topic: "in", Store: p, Handler: b.toy})
	if err != nil {
		b.t.Fatal(err)
	}
	b.task = task
}

func (b *bench) apply(in *schemas.InputRecord, at int64) {
	b.t.Helper()
	if err := b.applyValue(encode(in), at); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) applyValue(value []byte, at int64) error {
	rec := Record{Offset: b.offset, AppendTime: at, Key: []byte("key"), Value: value}
	b.offset++
	return b.task.Apply(rec)
}

func (b *bench) tick(at int64, maxDue uint32) {
	b.t.Helper()
	b.apply(tickInput(at, maxDue), at)
}

func (b *bench) event(conversation string, at int64) {
	b.t.Helper()
	b.apply(eventInput(conversation, at), 0)
}

func (b *bench) commit() {
	b.t.Helper()
	changes, err := b.task.Flush()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range changes { // they are valid until Commit
		b.log = append(b.log, Change{Key: bytes.Clone(c.Key), Value: bytes.Clone(c.Value)})
	}
	for _, o := range b.task.Outputs() {
		if o.Topic.Suffix == schemas.DeadLetters.Suffix {
			b.letters = append(b.letters, o)
		} else {
			b.outputs = append(b.outputs, string(o.Value))
		}
	}
	if err := b.task.Commit(int64(len(b.log))); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) wantOutputs(want ...string) {
	b.t.Helper()
	b.commit()
	if diff := cmp.Diff(want, b.outputs); diff != "" {
		b.t.Errorf("outputs (-want +got):\n%s", diff)
	}
	b.outputs = nil
}

func header(o Output, key string) string {
	for _, h := range o.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

func TestTaskFiresInOrder(t *testing.T) {
	b := newBench(t)
	b.event("b", 20)
	b.event("a", 20)
	b.event("c", 10)
	b.event("d", 31)
	b.tick(30, 0)
	b.wantOutputs("c=1 due 10 at 30", "a=1 due 20 at 30", "b=1 due 20 at 30")
	if at, ok, err := b.task.NextDue(); at != 31 || !ok || err != nil {
		t.Errorf("NextDue = %d, %v, %v, want 31", at, ok, err)
	}
}

func TestTaskLateDeadline(t *testing.T) {
	b := newBench(t)
	b.tick(100, 0)
	b.event("late", 40)
	b.tick(100, 0) // same now: the watermark lets exactly now in
	b.wantOutputs("late=1 due 100 at 100")
}

func TestTaskLazyRearm(t *testing.T) {
	b := newBench(t)
	b.event("a", 10)
	b.event("a", 50) // later: the entry at 10 stays
	b.tick(20, 0)
	b.wantOutputs()
	b.event("a", 30) // earlier than 50: another entry, that of 50 is stale
	b.tick(60, 0)
	b.wantOutputs("a=3 due 30 at 60")
	if got := b.task.Stats(); got.Stale != 1 || got.Fired != 2 {
		t.Errorf("stats %+v, want 1 stale and 2 fired", got)
	}
}

func TestTaskMaxDue(t *testing.T) {
	for _, commits := range []bool{false, true} {
		b := newBench(t)
		for _, c := range []string{"a", "b", "c"} {
			b.event(c, 50)
			b.event(c, 10) // leaves a stale entry at 50
		}
		if commits {
			b.commit()
		}
		b.tick(20, 2)
		if commits {
			b.commit()
		}
		if !b.task.More() {
			t.Error("More = false with an entry left")
		}
		b.event("late", 5) // behind what was handled: right behind b, before c
		b.tick(20, 2)
		b.wantOutputs("a=2 due 10 at 20", "b=2 due 10 at 20", "c=2 due 10 at 20", "late=1 due 10 at 20")
		b.tick(60, 2)
		b.wantOutputs()
		if b.task.More() {
			t.Error("More = true with nothing left")
		}
	}
}

func TestTaskTickTolerance(t *testing.T) {
	b := newBench(t)
	b.event("a", 10)
	b.apply(tickInput(0, 0), TickTolerance.Milliseconds()+1)
	b.wantOutputs()
	if got := b.task.Stats().IgnoredTicks; got != 1 || b.task.Now() != 0 {
		t.Errorf("%d ignored ticks and now %d, want 1 and 0", got, b.task.Now())
	}
	b.apply(tickInput(0, 0), TickTolerance.Milliseconds())
	b.wantOutputs("a=1 due 10 at 300000")
	b.tick(5, 0) // time never goes back
	if b.task.Now() != 300000 {
		t.Errorf("now = %d, want 300000", b.task.Now())
	}
}

func TestTaskMoreFromHandler(t *testing.T) {
	b := newBench(t)
	b.toy.more = 2
	b.tick(1, 0)
	if !b.task.More() {
		t.Error("More = false, and the handler asked for more")
	}
	b.tick(2, 0)
	if b.task.More() {
		t.Error("More = true after the handler had enough")
	}
}

func TestTaskSkipsKnownOffsets(t *testing.T) {
	b := newBench(t)
	b.event("a", 10)
	b.commit()
	b.offset = 0
	b.event("a", 10)
	b.tick(20, 0)
	b.wantOutputs("a=1 due 10 at 20")
}

func TestTaskAbort(t *testing.T) {
	b := newBench(t)
	b.event("a", 10)
	b.commit()
	b.event("a", 5)
	b.event("b", 6)
	b.tick(20, 0)
	if _, err := b.task.Flush(); err != nil {
		t.Fatal(err)
	}
	b.task.Abort()
	if b.task.Position() != 1 || b.task.Now() != 0 {
		t.Fatalf("position %d, now %d after abort, want 1 and 0", b.task.Position(), b.task.Now())
	}
	b.offset = 1
	b.tick(20, 0)
	b.wantOutputs("a=1 due 10 at 20")
}

func TestTaskGarbage(t *testing.T) {
	b := newBench(t)
	for _, garbage := range []string{"", `{"detail":{}}`, "\xff\xff", "\x0a\x7f"} {
		if err := b.applyValue([]byte(garbage), 0); err != nil {
			t.Fatalf("%q: %v", garbage, err)
		}
	}
	b.commit()
	if len(b.letters) != 4 {
		t.Fatalf("%d dead letters, want 4", len(b.letters))
	}
	for i, o := range b.letters {
		if o.Value != nil {
			t.Errorf("dead letter %d keeps %q; it may be personal", i, o.Value)
		}
		if r := header(o, schemas.HeaderReason); r != reasonUndecodable {
			t.Errorf("dead letter %d has reason %q", i, r)
		}
	}
	if got := header(b.letters[1], schemas.HeaderError); !strings.Contains(got, "13 bytes") {
		t.Errorf("error %q does not tell the length", got)
	}
}

func TestTaskUnknownKind(t *testing.T) {
	b := newBench(t)
	newer := protowire.AppendBytes(protowire.AppendTag(nil, 8, protowire.BytesType), []byte("new"))
	err := b.applyValue(newer, 0)
	if err == nil || !strings.Contains(err.Error(), "newer unpark") {
		t.Errorf("err = %v, want one that asks for a newer binary", err)
	}
}

func TestTaskPoison(t *testing.T) {
	b := newBench(t)
	in := eventInput("a", 10)
	in.GetEvent().Direction = poisonDirection
	b.apply(in, 0)
	b.event("a", 10)
	b.tick(20, 0)
	b.wantOutputs("a=1 due 10 at 20")
	if len(b.letters) != 1 || !bytes.Equal(b.letters[0].Value, encode(in)) {
		t.Fatalf("dead letters %v, want the record", b.letters)
	}
	want := map[string]string{
		schemas.HeaderReason: "bad_event", schemas.HeaderError: "poisoned", schemas.HeaderOrigin: "processor", schemas.HeaderOriginTopic: "in",
		schemas.HeaderOriginPartition: "7", schemas.HeaderOriginOffset: "0", schemas.HeaderRedriveTopic: "conversation-events",
	}
	for k, v := range want {
		if got := header(b.letters[0], k); got != v {
			t.Errorf("header %s = %q, want %q", k, got, v)
		}
	}
}

func TestTaskHandlerError(t *testing.T) {
	b := newBench(t)
	in := eventInput("a", 10)
	in.GetEvent().Direction = brokenDirection
	if err := b.applyValue(encode(in), 0); err == nil || !strings.Contains(err.Error(), "offset 0") {
		t.Errorf("err = %v, want one with the offset", err)
	}
}

func TestTaskTooLarge(t *testing.T) {
	b := newBench(t)
	pad := func(conversation string, n int) {
		in := eventInput(conversation, 10)
		in.GetEvent().Direction, in.GetEvent().DivisionId = padDirection, strings.Repeat("x", n)
		b.apply(in, 0)
	}
	b.event("a", 10)
	pad("a", 2_000_000) // offset 1: the state would be too large
	b.event("a", 10)
	pad("b", 500_000)
	pad("b", 999_000) // offset 4
	b.event("loud", 10)
	b.tick(20, 0) // offset 6: what loud says is too large
	b.wantOutputs("a=2 due 10 at 20", "b=1 due 10 at 20")
	var got []string
	for _, o := range b.letters {
		got = append(got, header(o, schemas.HeaderReason)+" "+header(o, schemas.HeaderOriginOffset))
	}
	if diff := cmp.Diff([]string{"too_large 1", "too_large 4", "too_large 6"}, got); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	b.tick(30, 0)
	b.wantOutputs() // nothing is tried over and over
}

func TestTaskMeta(t *testing.T) {
	b := newBench(t)
	b.tick(5, 1)
	b.event("a", 10)
	b.tick(20, 1)
	b.commit()
	last := b.log[len(b.log)-1]
	if !bytes.Equal(last.Key, schemas.MetaKey) {
		t.Fatalf("the last change has key %q, want the meta record", last.Key)
	}
	meta, err := decodeMeta(last.Value)
	if err != nil {
		t.Fatal(err)
	}
	key := schemas.ConversationKey("org", "a")
	want := &schemas.PartitionMeta{Version: 1, InputPosition: 3, NowMs: 20, TickedMs: 20, WatermarkMs: 10, WatermarkKey: key, Sequence: 1, Partitions: 12}
	if !proto.Equal(meta, want) {
		t.Errorf("meta = %v, want %v", meta, want)
	}
	if again, err := NewTask(b.task.cfg); err != nil || again.tx.Ticked() != 20 {
		t.Errorf("a new task has ticked for %d ms (%v), want 20", again.tx.Ticked(), err)
	}

	// An older binary did not count it: there have been no pauses that anybody knows of.
	pos, _, err := b.task.cfg.Store.Position()
	if err != nil {
		t.Fatal(err)
	}
	meta.TickedMs = 0
	if pos.Meta, err = meta.MarshalVT(); err != nil {
		t.Fatal(err)
	}
	if err := b.task.cfg.Store.Commit(pos); err != nil {
		t.Fatal(err)
	}
	if again, err := NewTask(b.task.cfg); err != nil || again.tx.Ticked() != 20 {
		t.Errorf("a task of an older binary's state has ticked for %d ms (%v), want 20", again.tx.Ticked(), err)
	}
}

func TestNewTaskRefuses(t *testing.T) {
	b := newBench(t)
	b.event("a", 10)
	b.commit()
	cfg := b.task.cfg
	cfg.Partitions = 13
	if _, err := NewTask(cfg); err == nil || !strings.Contains(err.Error(), "12 partitions") {
		t.Errorf("err = %v, want a refusal of the partition count", err)
	}
}
