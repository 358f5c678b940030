package notify

import (
	"cmp"
	"container/heap"
	"slices"
)

// filling is what a notifier that starts does about a partition: which entries wait
// for something, and when the others are to be looked at.
type filling struct {
	numbers map[string]uint32 // of destinations
	names   []string          // by their numbers
	waiting []waiting         // longest first
	looks   timers
	answers [][]byte
}

// waiting is an entry with something to tell: the offset of the record that said so
// first, and for which destination. There may be a million.
type waiting struct {
	id          entryID
	first       int64
	destination uint32
}

// filling reads what lies on the disk.
func (p *page) filling() (*filling, error) {
	f := &filling{numbers: map[string]uint32{}}
	known := map[entryID]int64{}
	err := p.ledger.shelf.each(partitionKey(p.partition, 'I'), func(key, row []byte) {
		one, id := decodeRow(row), idAtEnd(key)
		if known[id] = one.first; one.Pending {
			f.waiting = append(f.waiting, waiting{id, one.first, f.number(one.destination)})
		} else {
			f.looks = append(f.looks, timer{one.Look, id})
		}
	})
	if err != nil {
		return f, err
	}
	p.mu.Lock()
	p.known = known
	p.mu.Unlock()
	slices.SortFunc(f.waiting, func(a, b waiting) int { return cmp.Compare(a.first, b.first) })
	heap.Init(&f.looks)
	return f, p.eachAnswer(func(value []byte) { f.answers = append(f.answers, value) })
}

// number stands for a destination.
func (f *filling) number(destination string) uint32 {
	n, ok := f.numbers[destination]
	if !ok {
		n = uint32(len(f.names))
		f.names = append(f.names, destination)
		f.numbers[destination] = n
	}
	return n
}
