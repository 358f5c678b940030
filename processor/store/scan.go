package store

import (
	"bytes"
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
	end := prefixEnd(prefix)
	upper := spaceEnd(p.id, stateSpace)
	if end != nil {
		upper = stateKey(nil, p.id, end)
	}
	it, err := p.s.db.NewIter(&pebble.IterOptions{LowerBound: stateKey(nil, p.id, lower), UpperBound: upper})
	if err != nil {
		return fmt.Errorf("scan state of partition %d: %w", p.id, err)
	}
	return errors.Join(merge(it, p.inLayers(lower, end), fn), it.Close())
}

// merge passes on what both hold; of a key that both hold, that of the layers.
func merge(it *pebble.Iterator, layers *found, fn func(key, value []byte) bool) error {
	ok := it.First()
	for {
		key, some := layers.head()
		if !ok && !some {
			return it.Error()
		}
		if ok && (!some || bytes.Compare(it.Key()[prefixSize:], key) < 0) {
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
		if ok && bytes.Equal(it.Key()[prefixSize:], key) {
			ok = it.Next()
		}
		if v := layers.take(key); v != nil && !fn(key, v) {
			return nil
		}
	}
}

// inLayers returns what the layers hold of the keys that are >= lower and < upper.
func (p *Partition) inLayers(lower, upper []byte) *found {
	var f found
	for _, l := range []*layer{p.dirty, p.prev} {
		if l == nil {
			continue
		}
		for _, places := range l.states.between(lower, upper) {
			if len(places) > 0 {
				f = append(f, walk{l.states, places})
			}
		}
	}
	return &f
}

// found is what the layers hold: walks through lists of keys in order, those of the
// newest layer first.
type found []walk

// walk is what is left of a list of a table's keys.
type walk struct {
	t      *table
	places []place
}

func (w walk) key() []byte { return w.t.key(w.places[0]) }

// head returns the first key of all; ok is false if there is none.
func (f *found) head() (key []byte, ok bool) {
	for _, w := range *f {
		if k := w.key(); !ok || bytes.Compare(k, key) < 0 {
			key, ok = k, true
		}
	}
	return key, ok
}

// take removes a key and returns its newest value, nil if it is gone.
func (f *found) take(key []byte) (value []byte) {
	newest := true
	left := (*f)[:0]
	for _, w := range *f {
		if bytes.Equal(w.key(), key) {
			if newest {
				value, _ = w.t.get(hash(key), key)
				newest = false
			}
			w.places = w.places[1:]
		}
		if len(w.places) > 0 {
			left = append(left, w)
		}
	}
	*f = left
	return value
}
