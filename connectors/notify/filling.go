package notify

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"

	"unpark/schemas"
)

// filling is what is known of a partition's ledger while it is read: which entries
// wait for something, by the newest record of each.
type filling struct {
	numbers  map[string]uint32 // of destinations
	names    []string          // by their numbers
	pending  map[entryID]place
	sent     map[entryID]schemas.Instant // by their next look
	commands []schemas.DeliveryCommand
	n        uint32 // records taken in

	// The newest records, which are on their way to the shelf: many an entry was
	// written twice within a second.
	records map[entryID]indexed
}

// indexed is an entry as it stands on the topic.
type indexed struct {
	schemas.DeliveryIndex
	value []byte
}

// maxRecords go to the shelf together.
const maxRecords = 4096

// indexOf is what a record's header says of the entry in it.
func indexOf(e *entry) schemas.DeliveryIndex {
	i := schemas.DeliveryIndex{Pending: e.State == schemas.DeliveryPending, Conversation: e.Conversation, Digest: e.Digest}
	if !i.Pending {
		i.Look = nextLook(e)
	}
	return i
}

// place is which record said first that an entry waits, and for which destination.
// There may be a million.
type place struct{ record, destination uint32 }

// waiting is an entry that waits for the book to be filled.
type waiting struct {
	id entryID
	place
}

func newFilling() *filling {
	return &filling{numbers: map[string]uint32{}, pending: map[entryID]place{}, sent: map[entryID]schemas.Instant{}, records: map[entryID]indexed{}}
}

// take takes in the newest record of an entry.
func (f *filling) take(id entryID, destination string, one indexed) {
	f.n++
	f.records[id] = one
	if !one.Pending {
		delete(f.pending, id)
		f.sent[id] = one.Look
		return
	}
	delete(f.sent, id)
	if _, known := f.pending[id]; !known {
		f.pending[id] = place{f.n, f.number(destination)}
	}
}

func (f *filling) forget(id entryID) {
	delete(f.pending, id)
	delete(f.sent, id)
	delete(f.records, id)
}

// number stands for a destination.
func (f *filling) number(destination string) uint32 {
	n, ok := f.numbers[destination]
	if !ok {
		n = uint32(len(f.names))
		f.names = append(f.names, strings.Clone(destination))
		f.numbers[f.names[n]] = n
	}
	return n
}

// waiting returns what is pending, longest first.
func (f *filling) waiting() []waiting {
	all := make([]waiting, 0, len(f.pending))
	for id, p := range f.pending {
		all = append(all, waiting{id, p})
	}
	slices.SortFunc(all, func(a, b waiting) int { return cmp.Compare(a.record, b.record) })
	return all
}

// looks returns when the others are to be looked at.
func (f *filling) looks() timers {
	all := make(timers, 0, len(f.sent))
	for id, at := range f.sent {
		all = append(all, timer{at, id})
	}
	heap.Init(&all)
	return all
}
