package notify

import (
	"testing"

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
