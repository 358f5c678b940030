package notify

import (
	"maps"
	"sync"

	"unpark/schemas"
)

// hand holds entries as they are used: those that we have changed, until the change
// has been read from the topic again and is on its page, and beside them the ones used
// last, since most alerts are told at once. Safe for concurrent use.
type hand struct {
	mu    sync.Mutex
	held  map[slot]*held
	order []slot // a ring of those that may go; the zero slot is free
	next  int
}

// slot is where an entry is kept.
type slot struct {
	partition int32
	id        entryID
}

// held is an entry and how many records of it that we wrote are to be read yet.
type held struct {
	entry  entry
	unread int
	record *schemas.Escalation // what is in of
	of     []byte
}

func newHand(size int) hand { return hand{held: map[slot]*held{}, order: make([]slot, size)} }

// get returns a copy of an entry; one that is not at hand is taken there from its page
// by read, which may find none.
func (h *hand) get(at slot, read func() (*entry, error)) (*entry, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.held[at]; one != nil {
		copied := one.entry
		return &copied, nil
	}
	e, err := read()
	if e == nil || err != nil {
		return nil, err
	}
	h.held[at] = &held{entry: *e}
	h.mayGo(at)
	return e, nil
}

// put holds an entry that is being written to the topic; false if it was not at hand.
func (h *hand) put(at slot, e *entry) (known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.held[at]; one != nil {
		one.entry = *e
		one.unread++
		return true
	}
	h.held[at] = &held{entry: *e, unread: 1}
	return false
}

// replace holds an entry that somebody else has written, if it is at hand.
func (h *hand) replace(at slot, e *entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.held[at]; one != nil {
		one.entry = *e
	}
}

// record returns the record of an entry, decoded; others may have it too.
func (h *hand) record(at slot, e *entry) (*schemas.Escalation, error) {
	if record := h.decoded(at, e); record != nil {
		return record, nil
	}
	record, err := schemas.DecodeEscalation(e.Record)
	if err == nil {
		h.know(at, e, record)
	}
	return record, err
}

func (h *hand) decoded(at slot, e *entry) *schemas.Escalation {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.held[at]; one != nil && one.holds(e) {
		return one.record
	}
	return nil
}

// know notes what the record of an entry says.
func (h *hand) know(at slot, e *entry, record *schemas.Escalation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.held[at]; one != nil {
		one.of, one.record = e.Record, record
	}
}

// holds says whether its record is decoded: that of e, not one before or after.
func (one *held) holds(e *entry) bool {
	return len(one.of) > 0 && len(one.of) == len(e.Record) && &one.of[0] == &e.Record[0]
}

// read notes that a record that we wrote is on its page.
func (h *hand) read(at slot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.held[at]; one != nil && one.unread > 0 {
		if one.unread--; one.unread == 0 {
			h.mayGo(at)
		}
	}
}

// mayGo has an entry go when as many others as the ring holds may go too; the caller
// holds the lock.
func (h *hand) mayGo(at slot) {
	last := h.order[h.next]
	if old := h.held[last]; old != nil && old.unread == 0 && last != at {
		delete(h.held, last)
	}
	h.order[h.next] = at
	h.next = (h.next + 1) % len(h.order)
}

// remove forgets an entry that somebody else has deleted.
func (h *hand) remove(at slot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.held, at)
}

// dropPartition forgets all of a partition.
func (h *hand) dropPartition(partition int32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.DeleteFunc(h.held, func(at slot, _ *held) bool { return at.partition == partition })
}
