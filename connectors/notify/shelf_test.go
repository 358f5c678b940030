package notify

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unpark/schemas"
)

// What is put is found again, at hand or not, by itself and by what it belongs to,
// until it is removed.
func TestShelf(t *testing.T) {
	s, err := openShelf("")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	s.hand = newHand(3)
	const entries = 20
	put := func(i int, state string) (int32, entryID, *entry) {
		t.Helper()
		e := &entry{
			State: state, Escalation: fmt.Sprintf("e%d", i/2), Destination: fmt.Sprintf("d%d", i%2), Conversation: fmt.Sprintf("c%d", i/4),
			Digest: "storm", Record: []byte(`{}`),
		}
		value, err := schemas.EncodeDelivery(e)
		if err != nil {
			t.Fatal(err)
		}
		partition, id := int32(i%2), idOf(e.Escalation, e.Destination)
		if err := s.put(partition, id, e, value); err != nil {
			t.Fatal(err)
		}
		return partition, id, e
	}
	want := func(partition int32, id entryID, want *entry) {
		t.Helper()
		got, err := s.load(partition, id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	for i := range entries {
		put(i, "pending")
	}
	for i := range entries {
		p, id, e := put(i, "sent")
		want(p, id, e)
		p, id, e = put((i+7)%entries, "sent")
		want(p, id, e)
	}
	p, id, e := put(4, "sent")
	found := func(what string, ids []entryID, err error, want int) {
		t.Helper()
		if err != nil || len(ids) != want || want > 0 && !slices.Contains(ids, id) {
			t.Errorf("%s: %d, %v, want %d", what, len(ids), err, want)
		}
	}
	ids, err := s.ofEscalation(p, e.Escalation)
	found("of an escalation", ids, err, 1)
	ids, err = s.ofConversation(p, e.Conversation)
	found("of a conversation", ids, err, 2)
	ids, err = s.ofDigest(p, e.Digest)
	found("of a digest", ids, err, entries/2)
	ids, err = s.ofDigest(p, "calm")
	found("of an unknown digest", ids, err, 0)
	for range 2 { // at hand, then not
		if err := s.remove(p, id, e); err != nil {
			t.Fatal(err)
		}
		want(p, id, nil)
		put(4, "sent")
		for i := range 3 {
			put(i+10, "sent")
		}
	}
	if err := s.dropPartition(0); err != nil {
		t.Fatal(err)
	}
	want(p, id, nil)
	p, id, e = put(5, "failed")
	want(p, id, e)
}
