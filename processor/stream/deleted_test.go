package stream

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/schemas"
)

// A partition whose input was deleted before it was read goes on behind that. Until its
// state says so too, the group must not hear of it from the commits of others: a group
// that is ahead of the state means that state was lost.
func TestRunnersInputDeleted(t *testing.T) {
	k := newFake(t, 2)
	dir, input := t.TempDir(), schemas.ConversationEvents.Name(k.prefix)
	want := k.worked(dir, 2, 10)
	k.produce(1, []byte("nobody reads this"))
	ends, err := k.admin.ListEndOffsets(k.ctx(), input)
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup(input, 1)
	var gone kadm.Offsets
	gone.Add(kadm.Offset{Topic: input, Partition: 1, At: end.Offset})
	if _, err := k.admin.DeleteRecords(k.ctx(), gone); err != nil {
		t.Fatal(err)
	}

	silent := k.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: input, Partitions: []int32{1}, Err: kerr.InvalidRecord, Count: -1})
	a := k.start(k.config("a", dir))
	a.waitReady()
	alone := eventInput("c0", 0)
	alone.GetEvent().Direction = echoDirection
	k.produce(0, encode(alone)) // partition 1 has nothing to commit
	want = append(want, "c0#11")
	k.waitEscalations(want)
	a.stop()

	silent.Remove()
	a = k.start(k.config("a", dir))
	a.waitReady()
	if n := value(t, a.runners.metrics.fullRestores); n != 0 {
		t.Errorf("%v restores in full", n)
	}
	a.stop()
}
