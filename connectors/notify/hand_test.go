package notify

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// foreign appends a record of an entry that another process writes.
func (s *shelved) foreign(e *entry) {
	s.t.Helper()
	value, err := schemas.EncodeDelivery(e)
	if err != nil {
		s.t.Fatal(err)
	}
	s.topic = append(s.topic, &kgo.Record{Key: []byte(e.Key()), Value: value, Offset: int64(len(s.topic))})
}

// An attempt that ends when its partition has been taken away notes what it told in a
// book that nobody reads any more. Once the partition is back its topic counts.
func TestAttemptOutlivesItsPartition(t *testing.T) {
	s := newShelved(t)
	s.add(s.entry(0), nil)
	s.readOn()
	old := s.book
	s.ledger.close(old)
	s.tell(0)
	elsewhere := s.entry(0)
	elsewhere.State, elsewhere.Reason = schemas.DeliveryFailed, "gone"
	s.foreign(elsewhere)

	s.takeOver()
	if e := s.load(s.id(0)); e == nil || e.State != schemas.DeliveryFailed {
		t.Errorf("the entry is %+v, want what stands last on the topic", e)
	}
	s.end()
}

// What somebody else has written is found by its conversation at once.
func TestForeignEntryIsFound(t *testing.T) {
	s := newShelved(t)
	defer s.end()
	one := s.entry(0)
	one.State, one.Told = schemas.DeliverySent, schemas.StatusRaised
	s.foreign(one)
	s.readOn()
	if ids := s.ids("c0", "e0"); !slices.Equal(ids, []entryID{s.id(0)}) {
		t.Errorf("found %v", ids)
	}
}

// What is read does not undo what we wrote behind it.
func TestOwnWriteOutlivesWhatIsBeforeIt(t *testing.T) {
	s := newShelved(t)
	defer s.end()
	s.add(s.entry(0), nil)
	s.add(s.entry(1), nil)
	s.readOn()
	s.discard(s.entry(0))
	s.foreign(s.entry(1))
	s.tell(0)
	s.tell(1)
	for range 4 {
		s.readOne()
		if diff := cmp.Diff([]string{"sent", "sent"}, s.states(2)); diff != "" {
			t.Errorf("after %d of %d: %s", s.read, len(s.topic), diff)
		}
	}
}

// What somebody else wrote behind our record counts, though the brokers' answer to ours
// comes after both were read.
func TestLateAnswerDoesNotHideWhatStandsBehind(t *testing.T) {
	s := newShelved(t)
	defer s.end()
	answers := s.holdAnswers()
	s.add(s.entry(0), nil)
	elsewhere := s.entry(0)
	elsewhere.State, elsewhere.Reason = schemas.DeliveryFailed, "gone"
	s.foreign(elsewhere)
	s.readOn()
	answers()
	if diff := cmp.Diff([]string{"failed"}, s.states(1)); diff != "" {
		t.Error(diff)
	}
}

// What we wrote may be compacted away before it is read again: then it counts as read
// when what stands behind it is.
func TestCompactedWriteIsNotWaitedFor(t *testing.T) {
	s := newShelved(t)
	defer s.end()
	for i := range 3 {
		s.add(s.entry(i), nil)
		s.tell(i)
	}
	s.add(s.entry(3), nil)
	for _, i := range []int{1, 3} {
		elsewhere := s.entry(i)
		elsewhere.State, elsewhere.Reason = schemas.DeliveryFailed, "gone"
		s.foreign(elsewhere)
	}
	s.discard(s.entry(2))
	s.compact()
	s.readOn()
	if n := len(s.hand.held); n != 0 {
		t.Errorf("%d entries are still at hand", n)
	}
	if diff := cmp.Diff([]string{"sent", "failed", "", "failed"}, s.states(4)); diff != "" {
		t.Error(diff)
	}
}

// A deletion goes from the topic, too. Whatever is read next stands behind it.
func TestDeletedWriteIsNotWaitedFor(t *testing.T) {
	s := newShelved(t)
	defer s.end()
	s.add(s.entry(0), nil)
	s.tell(0)
	deletion := len(s.topic)
	s.discard(s.entry(0))
	s.add(s.entry(1), nil)
	s.tell(1)
	s.compact()
	s.topic[deletion] = nil
	s.readOn()
	if n := len(s.hand.held); n != 0 {
		t.Errorf("%d entries are still at hand", n)
	}
}

// What waits is at hand while there is room; what was told makes room again.
func TestHandHoldsWhatWaits(t *testing.T) {
	s := newShelved(t)
	defer s.end()
	for round := range 3 {
		for i := range 5 {
			s.add(s.entry(5*round+i), nil)
		}
		s.readOn()
		for i := range 2 {
			if s.hand.held[s.id(5*round+i)] == nil {
				t.Errorf("round %d: entry %d of those that wait is not at hand", round, i)
			}
		}
		for i := range 5 {
			s.tell(5*round + i)
		}
		s.readOn()
		if n := len(s.hand.held); n != 0 {
			t.Errorf("%d entries are at hand, though all are told", n)
		}
	}
}

// Of what was fetched from its page the last are at hand.
func TestHandHoldsWhatWasFetched(t *testing.T) {
	s := newShelved(t)
	defer s.end()
	s.hand = newHand(16)
	s.hand.room = 0
	for i := range 5 {
		s.add(s.entry(i), nil)
	}
	s.readOn()
	for i := range 5 {
		s.load(s.id(i))
		s.load(s.id(max(0, i-1)))
		if n := len(s.hand.held); n > 2 || s.hand.held[s.id(i)] == nil {
			t.Errorf("%d entries are at hand after the one of %d", n, i)
		}
	}
	// One that went and was fetched again has one place.
	s.load(s.id(0))
	s.hand.forget(s.id(0), 0)
	s.load(s.id(0))
	s.load(s.id(1))
	if n := len(s.hand.held); n != 2 {
		t.Errorf("%d entries are at hand, want the last two", n)
	}
}

// An entry that the topic does not take is not held for ever.
func TestHandLetsGoOfWhatIsTooLarge(t *testing.T) {
	s := newShelved(t)
	defer s.end()
	s.refused = kerr.MessageTooLarge
	for i := range 9 {
		s.add(s.entry(i), nil)
	}
	if n := len(s.hand.held); n > 3 {
		t.Errorf("%d entries are at hand, want up to 3", n)
	}
	// One of which the topic has an earlier state is that again.
	s.refused = nil
	s.add(s.entry(9), nil)
	s.refused = kerr.MessageTooLarge
	changed := s.entry(9)
	changed.Destination = "changed"
	s.save(s.id(9), changed, nil)
	s.readOn()
	if e := s.load(s.id(9)); e.Destination == "changed" {
		t.Error("what the topic has refused is told")
	}
}

// A change that leaves the digest as it is writes nothing to the disk.
func TestDigestIsWrittenOnce(t *testing.T) {
	s := newShelved(t)
	defer s.end()
	s.add(s.entry(0), nil)
	before := s.ledger.shelf.db.Metrics().WAL.BytesIn
	s.tell(0)
	if wrote := s.ledger.shelf.db.Metrics().WAL.BytesIn - before; wrote != 0 {
		t.Errorf("%d bytes were written", wrote)
	}
}
