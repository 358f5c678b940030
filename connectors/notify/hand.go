package notify

import (
	"sync"

	"unpark/schemas"
)

// hand holds entries of a book as they are used: those that it has changed, until the
// change has been read from the topic again and is on its page, and beside them the ones
// used last, since most alerts are told at once. Safe for concurrent use.
type hand struct {
	mu    sync.Mutex
	held  map[entryID]*held
	order []entryID // a ring of those that may go; the zero id is free
	next  int
}

// held is an entry and how many records of it that we wrote are to be read yet.
type held struct {
	entry  entry
	unread int
	place  int                 // in the ring, the last one that it was given
	record *schemas.Escalation // what is in of
	of     []byte
}

// atHand is how many entries are at hand that might go, in all partitions.
const atHand = 8192

func newHand(size int) *hand {
	return &hand{held: map[entryID]*held{}, order: make([]entryID, max(1, size))}
}

// get returns a copy of an entry; one that is not at hand is taken there from its page
// by read, which may find none.
func (h *hand) get(id entryID, read func() (*entry, error)) (*entry, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.held[id]; one != nil {
		copied := one.entry
		return &copied, nil
	}
	e, err := read()
	if e == nil || err != nil {
		return nil, err
	}
	h.held[id] = &held{entry: *e}
	h.mayGo(id)
	return e, nil
}

// put holds an entry that is being written to the topic, and returns what was at hand
// of it; nil if nothing was.
func (h *hand) put(id entryID, e *entry) (old *entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.held[id]
	if one == nil {
		h.held[id] = &held{entry: *e, unread: 1}
		return nil
	}
	before := one.entry
	one.entry = *e
	one.unread++
	return &before
}

// replace holds an entry that somebody else has written, nil if it was deleted, if it
// is at hand. What we wrote and is to be read yet stands behind that on the topic.
func (h *hand) replace(id entryID, e *entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch one := h.held[id]; {
	case one == nil || one.unread > 0:
	case e == nil:
		delete(h.held, id)
	default:
		one.entry = *e
	}
}

// record returns the record of an entry, decoded; others may have it too.
func (h *hand) record(id entryID, e *entry) (*schemas.Escalation, error) {
	if record := h.decoded(id, e); record != nil {
		return record, nil
	}
	record, err := schemas.DecodeEscalation(e.Record)
	if err == nil {
		h.know(id, e, record)
	}
	return record, err
}

func (h *hand) decoded(id entryID, e *entry) *schemas.Escalation {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.held[id]; one != nil && one.holds(e) {
		return one.record
	}
	return nil
}

// know notes what the record of an entry says.
func (h *hand) know(id entryID, e *entry, record *schemas.Escalation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.held[id]; one != nil {
		one.of, one.record = e.Record, record
	}
}

// holds says whether its record is decoded: that of e, not one before or after.
func (one *held) holds(e *entry) bool {
	return len(one.of) > 0 && len(one.of) == len(e.Record) && &one.of[0] == &e.Record[0]
}

// read notes that a record that we wrote is on its page, or will never be.
func (h *hand) read(id entryID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.held[id]; one != nil && one.unread > 0 {
		if one.unread--; one.unread == 0 {
			h.mayGo(id)
		}
	}
}

// mayGo has an entry go when as many others as the ring holds may go too; the caller
// holds the lock.
func (h *hand) mayGo(id entryID) {
	last := h.order[h.next]
	if old := h.held[last]; old != nil && old.unread == 0 && old.place == h.next && last != id {
		delete(h.held, last)
	}
	h.order[h.next], h.held[id].place = id, h.next
	h.next = (h.next + 1) % len(h.order)
}
