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
	err := p.ledger.shelf.each(partitionKey(p.partition, 'I'), func(key, row []byte) {
		if one, id := decodeRow(row), idAtEnd(key); one.Pending {
			f.waiting = append(f.waiting, waiting{id, one.first, f.number(one.destination)})
		} else {
			f.looks = append(f.looks, timer{one.Look, id})
		}
	})
	if err != nil {
		return f, err
	}
	p.knows(f)
	slices.SortFunc(f.waiting, func(a, b waiting) int { return cmp.Compare(a.first, b.first) })
	heap.Init(&f.looks)
	return f, p.eachAnswer(func(value []byte) { f.answers = append(f.answers, value) })
}

// knows has the page know which entries there are, if it does not: it has read them all
// itself unless it began with what lies on the disk.
func (p *page) knows(f *filling) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return
	}
	p.known = make(map[entryID]int64, len(f.waiting)+len(f.looks))
	for _, w := range f.waiting {
		p.known[w.id] = w.first
	}
	for _, l := range f.looks {
		p.known[l.id] = settled
	}
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
