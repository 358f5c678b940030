package kafka

import (
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"unpark/schemas"
)

// A dead letter is over once its end follows on its partition, also when it was asked of
// before; what came before it, or lies elsewhere, says nothing.
func TestOver(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := start(t, t.TempDir())
	cl := client(t, append(e.Options(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	defer closeAll(t, e, cl)
	topic := schemas.Escalations.Name("unpark.")
	tell := func(id, status string, partition int32) DeadLetter {
		t.Helper()
		value, err := schemas.EncodeEscalation(&schemas.Escalation{ID: id, Status: status, Conversation: "c"})
		if err != nil {
			t.Fatal(err)
		}
		r := &kgo.Record{Topic: topic, Partition: partition, Value: value}
		if err := cl.ProduceSync(testContext(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		return DeadLetter{DeadLetter: schemas.DeadLetter{Value: value, Topic: topic, Partition: partition, Offset: r.Offset}}
	}
	over := NewOver(e.Options(), "unpark.")
	want := func(what string, d DeadLetter, want bool) {
		t.Helper()
		if got, err := over.Is(testContext(t), d); err != nil || got != want {
			t.Errorf("%s: over %v, %v, want %v", what, got, err, want)
		}
	}
	first := tell("1", "raised", 0)
	tell("1", "retracted", 0)
	second := tell("2", "raised", 0)
	third := tell("3", "raised", 1)
	want("what stands", second, false)
	end := tell("2", "cleared", 0)
	tell("3", "cleared", 0)
	want("what ended after it was asked of", second, true)
	want("what ended before what was asked of", first, true)
	want("what ended on another partition", third, false)
	want("an end", end, false)
	again := tell("2", "raised", 0)
	want("what was raised again", again, false)
	want("what was raised again, asked of by its first letter", second, false)

	elsewhere := first
	elsewhere.Topic = "unpark.conversation-events"
	want("what came from another topic", elsewhere, false)
	elsewhere = first
	elsewhere.Partition, elsewhere.Offset = -1, -1
	want("what does not say where it was", elsewhere, false)
	elsewhere = first
	elsewhere.Offset = 1000
	want("what lay on a topic that was made anew", elsewhere, true) // it was read before
	over = NewOver(e.Options(), "unpark.")
	want("the same, asked of first", elsewhere, false)
}

// Many letters whose alerts lie behind each other on escalations, the last given up first,
// read it once.
func TestOverReadsOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := start(t, t.TempDir())
	cl := client(t, append(e.Options(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	defer closeAll(t, e, cl)
	topic := schemas.Escalations.Name("unpark.")
	var letters []DeadLetter
	for i := range 20 {
		value, err := schemas.EncodeEscalation(&schemas.Escalation{ID: strconv.Itoa(i), Status: schemas.StatusRaised, Conversation: "c"})
		if err != nil {
			t.Fatal(err)
		}
		r := &kgo.Record{Topic: topic, Value: value}
		if err := cl.ProduceSync(testContext(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		letters = append(letters, DeadLetter{DeadLetter: schemas.DeadLetter{Value: value, Topic: topic, Offset: r.Offset}})
	}
	slices.Reverse(letters)
	var read counter
	over := NewOver(append(e.Options(), kgo.WithHooks(&read)), "unpark.")
	for _, d := range letters {
		over.Expect(d)
	}
	for _, d := range letters {
		if is, err := over.Is(testContext(t), d); err != nil || is {
			t.Errorf("letter of %d: over %v, %v", d.Offset, is, err)
		}
	}
	if n := read.Load(); n != int64(len(letters)) {
		t.Errorf("%d records were read, want each of %d once", n, len(letters))
	}
}

// counter counts the records that a client is sent.
type counter struct{ atomic.Int64 }

func (c *counter) OnFetchRecordBuffered(*kgo.Record) { c.Add(1) }

func (c *counter) OnFetchRecordUnbuffered(*kgo.Record, bool) {}
