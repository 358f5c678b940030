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

// held is an entry, and what stands for it on the disk.
type held struct {
	entry entry
	value []byte
}

func newHand(size int) hand { return hand{held: map[slot]held{}, order: make([]slot, size)} }

// get returns a copy of an entry; nil if it is not at hand.
func (h *hand) get(at slot) *entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	one, ok := h.held[at]
	if !ok {
		return nil
	}
	return &one.entry
}

// put takes an entry to hand. write is told whether it was there before, and which
// one has to go, if one has; nobody sees the hand until that is done.
func (h *hand) put(at slot, one held, write func(known bool, old *slot, its []byte) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, known := h.held[at]
	var gone *slot
	var its []byte
	if !known {
		last := h.order[h.next]
		if old, ok := h.held[last]; ok {
			gone, its = &last, old.value
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
