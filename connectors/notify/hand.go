package notify

import (
	"maps"
	"sync"
)

// hand holds the newest entries as they are used: most alerts are told at once and
// need never go to the disk and back. Safe for concurrent use.
type hand struct {
	mu    sync.Mutex
	held  map[slot]held
	order []slot // a ring; the zero slot is free
	next  int
}

// slot is where an entry is kept.
type slot struct {
	partition int32
	id        entryID
}

// held is an entry, and what stands for it on the disk; nil: it stands there.
type held struct {
	entry entry
	value []byte
}

func newHand(size int) hand { return hand{held: map[slot]held{}, order: make([]slot, size)} }

// get returns a copy of an entry; one that is not at hand is taken there from the
// disk by read, which may find none.
func (h *hand) get(at slot, read func() (*entry, error), write evict) (*entry, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one, ok := h.held[at]; ok {
		return &one.entry, nil
	}
	e, err := read()
	if e == nil || err != nil {
		return nil, err
	}
	copied := *e
	return &copied, h.take(at, held{entry: *e}, write)
}

// put takes an entry to hand.
func (h *hand) put(at slot, one held, write evict) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.take(at, one, write)
}

// evict is told whether an entry was at hand before, and which one has to go to the
// disk, if one has; nobody sees the hand until that is done.
type evict func(known bool, old *slot, its []byte) error

func (h *hand) take(at slot, one held, write evict) error {
	_, known := h.held[at]
	var gone *slot
	var its []byte
	if !known {
		last := h.order[h.next]
		if old, ok := h.held[last]; ok {
			if old.value != nil {
				gone, its = &last, old.value
			}
			delete(h.held, last)
		}
		h.order[h.next] = at
		h.next = (h.next + 1) % len(h.order)
	}
	h.held[at] = one
	return write(known, gone, its)
}

// remove forgets an entry, dropPartition all of a partition; nobody sees the hand
// until write is done.
func (h *hand) remove(at slot, write func() error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.held, at)
	return write()
}

func (h *hand) dropPartition(partition int32, write func() error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.DeleteFunc(h.held, func(at slot, _ held) bool { return at.partition == partition })
	return write()
}
