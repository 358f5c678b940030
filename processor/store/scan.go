package store

import (
	"bytes"
	"cmp"
	"container/heap"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Scan calls fn with the keys that begin with prefix and are >= from, in order,
// until fn returns false. The slices are valid during the call.
func (p *Partition) Scan(prefix, from []byte, fn func(key, value []byte) bool) error {
	lower := prefix
	if bytes.Compare(from, prefix) > 0 {
		lower = from
	}
	upper := spaceEnd(p.id, stateSpace)
	if end := prefixEnd(prefix); end != nil {
		upper = stateKey(nil, p.id, end)
	}
	it, err := p.s.db.NewIter(&pebble.IterOptions{LowerBound: stateKey(nil, p.id, lower), UpperBound: upper})
	if err != nil {
		return fmt.Errorf("scan state of partition %d: %w", p.id, err)
	}
	return errors.Join(merge(it, p.inLayers(prefix, lower), fn), it.Close())
}

// merge passes on what both hold; of a key that both hold, that of the layers.
func merge(it *pebble.Iterator, layers *found, fn func(key, value []byte) bool) error {
	for ok := it.First(); ok || layers.Len() > 0; {
		if ok && (layers.Len() == 0 || bytes.Compare(it.Key()[prefixSize:], (*layers)[0].key) < 0) {
			v, err := it.ValueAndErr()
			if err != nil {
				return err
			}
			if !fn(it.Key()[prefixSize:], v) {
				return nil
			}
			ok = it.Next()
			continue
		}
		e := layers.take()
		if ok && bytes.Equal(it.Key()[prefixSize:], e.key) {
			ok = it.Next()
		}
		if e.value != nil && !fn(e.key, e.value) {
			return nil
		}
	}
	return it.Error()
}

// inLayers returns what the layers hold of the keys that begin with prefix and
// are >= lower.
func (p *Partition) inLayers(prefix, lower []byte) *found {
	var f found
	for depth, l := range []*layer{p.dirty, p.prev} {
		if l == nil {
			continue
		}
		l.states.all(func(at place) {
			if k := l.states.key(at); bytes.HasPrefix(k, prefix) && bytes.Compare(k, lower) >= 0 {
				f = append(f, entry{key: k, value: l.states.value(at), depth: depth})
			}
		})
	}
	heap.Init(&f)
	return &f
}

// found is a heap of what the layers hold, the first key on top, and of one key
// the newest: most scans end after a few.
type found []entry

// entry is a state of a layer; value is nil if it is gone.
type entry struct {
	key, value []byte
	depth      int
}

// take returns the first entry and removes all of its key.
func (f *found) take() entry {
	e := heap.Pop(f).(entry)
	for f.Len() > 0 && bytes.Equal((*f)[0].key, e.key) {
		heap.Pop(f)
	}
	return e
}

func (f found) Len() int      { return len(f) }
func (f found) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *found) Push(e any)   { *f = append(*f, e.(entry)) }

func (f found) Less(i, j int) bool {
	return cmp.Or(bytes.Compare(f[i].key, f[j].key), cmp.Compare(f[i].depth, f[j].depth)) < 0
}

func (f *found) Pop() any {
	old := *f
	e := old[len(old)-1]
	*f = old[:len(old)-1]
	return e
}
