package notify

import (
	"sync"

	"unpark/schemas"
)

// hand holds entries of a book as they are used: those that it has changed, until the
// change has been read from the topic again and is on its page; of those that wait for
// their destination those that came while there was room; and the last that were
// fetched from the page. Safe for concurrent use.
type hand struct {
	mu    sync.Mutex
	held  map[entryID]*held
	room  int       // for more that wait
	order []entryID // a ring of what was fetched; the zero id is free
	next  int
	read  int64     // offset behind the last record that was read
	ahead []written // what we wrote and is at that offset or behind it, in its order
}

// written is a record that we wrote and the brokers have.
type written struct {
	id     entryID
	offset int64
}

// held is an entry and what of it that we wrote is to be read yet. A record may be
// compacted away before that: it counts as read when what stands behind it is.
type held struct {
	entry  entry
	flying int   // records on their way to the brokers
	newest int64 // offset of the last that they have; negative: they have none
	theirs int64 // offset of the last that somebody else wrote while some of ours were unread
	// refused: the topic has not taken it, so it is not what is on its page.
	refused bool
	waits   bool                // in the room for that
	place   int                 // in the ring, the last one that it was given
	record  *schemas.Escalation // what is in of
	of      []byte
}

// atHand is how many entries are at hand that need not be, in all partitions; one in
// fetchedShare of them is there for having been fetched from its page.
const (
	atHand       = 32768
	fetchedShare = 8
)

func newHand(size int) *hand {
	ring := max(1, size/fetchedShare)
	return &hand{held: map[entryID]*held{}, room: size - ring, order: make([]entryID, ring)}
}

// get returns a copy of an entry; one that is not at hand is fetched from its page by
// read, which may find none.
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
	last := h.order[h.next]
	if old := h.held[last]; old != nil && !h.unread(old) && !old.waits && old.place == h.next {
		delete(h.held, last)
	}
	h.held[id] = &held{entry: *e, newest: -1, place: h.next}
	h.order[h.next] = id
	h.next = (h.next + 1) % len(h.order)
	return e, nil
}

// put holds an entry that is being written to the topic, and returns what was at hand
// of it; nil if nothing was.
func (h *hand) put(id entryID, e *entry) (old *entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.held[id]
	if one == nil {
		h.held[id] = &held{entry: *e, flying: 1, newest: -1}
		return nil
	}
	h.waitsNoMore(one)
	before := one.entry
	one.entry, one.refused = *e, false
	one.flying++
	return &before
}

// forget lets go of an entry that somebody else has written, or that was deleted, at an
// offset. What we wrote and is to be read yet stands behind that on the topic, unless
// the brokers' answer to it is late: settle finds out.
func (h *hand) forget(id entryID, offset int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.held[id]
	switch {
	case one == nil:
	case h.unread(one):
		one.theirs = offset
	default:
		h.waitsNoMore(one)
		delete(h.held, id)
	}
}

func (h *hand) waitsNoMore(one *held) {
	if one.waits {
		one.waits = false
		h.room++
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

// unread says whether a record of it that we wrote is to be read yet.
func (h *hand) unread(one *held) bool { return one.flying > 0 || one.newest >= h.read }

// taken notes that the brokers have a record that we wrote, at an offset.
func (h *hand) taken(id entryID, offset int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.held[id]
	one.flying--
	one.newest = offset
	if offset >= h.read {
		h.ahead = append(h.ahead, written{id, offset})
	}
	h.settle(id, one)
}

// refused notes that they will never have it.
func (h *hand) refused(id entryID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.held[id]
	one.flying--
	one.refused = true
	h.settle(id, one)
}

// reached notes that what stands before an offset is on its page.
func (h *hand) reached(next int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.read = next
	for len(h.ahead) > 0 && h.ahead[0].offset < next {
		w := h.ahead[0]
		h.ahead = h.ahead[1:]
		if one := h.held[w.id]; one != nil && one.newest == w.offset {
			h.settle(w.id, one)
		}
	}
}

// settle lets go of an entry that is on its page, unless it is there as it is here, waits
// and there is room.
func (h *hand) settle(id entryID, one *held) {
	if h.unread(one) {
		return
	}
	onPage := !one.refused && one.newest >= one.theirs
	if onPage && one.entry.State == schemas.DeliveryPending && h.room > 0 {
		one.waits = true
		h.room--
		return
	}
	delete(h.held, id)
}
