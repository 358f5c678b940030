package notify

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/go-cmp/cmp"
)

// A page that cannot be written takes in no more and forgets nothing.
func TestPageThatCannotBeWritten(t *testing.T) {
	s := newShelved(t)
	for i := range 5 {
		s.add(s.entry(i), nil)
	}
	s.readOn()
	shelf := s.ledger.shelf
	if err := shelf.db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := pebble.Open(s.dir, &pebble.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	shelf.db = db
	s.page.flush()
	if err := <-s.ledger.failed; !errors.Is(err, pebble.ErrReadOnly) {
		t.Errorf("failed with %v", err)
	}
	next := s.page.at.Next
	s.foreign(s.entry(5))
	s.tell(0) // at hand, and nowhere else
	s.readOn()
	if diff := cmp.Diff([]string{"sent", "pending", "pending", "pending", "pending"}, s.states(5)); diff != "" || s.page.at.Next != next {
		t.Errorf("%s; read up to %d, was %d", diff, s.page.at.Next, next)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// What could not be filled is not written.
func TestShelfWritesAllOrNothing(t *testing.T) {
	s := newShelved(t)
	defer s.end()
	broken := errors.New("half of it")
	err := s.ledger.shelf.write(0, func(b *pebble.Batch) error { return errors.Join(b.Set([]byte("key"), nil, nil), broken) })
	value, got := s.ledger.shelf.get([]byte("key"))
	if !errors.Is(err, broken) || value != nil || got != nil {
		t.Errorf("%v, and %v was written, %v", err, value, got)
	}
}
