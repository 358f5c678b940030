package processor

import (
	"bytes"
	"fmt"
	"unsafe"

	"unpark/internal/slab"
	"unpark/processor/stream"
)

// codec makes a state, and turns it into what is stored and back. What has been
// encoded is not used any more.
type codec[M comparable] struct {
	create func() M
	append func([]byte, M) ([]byte, error) // the encoded state, to what is there
	decode func([]byte) (M, error)
	reset  func() // ends what was decoded; nil: nobody minds
}

// message is a state that is stored as it is.
type message interface {
	comparable
	MarshalVT() ([]byte, error)
	UnmarshalVT([]byte) error
}

// plain is the codec of a Protobuf state that is stored as it is.
func plain[M message](create func() M) codec[M] {
	return codec[M]{
		create: create,
		append: func(dst []byte, m M) ([]byte, error) {
			data, err := m.MarshalVT()
			return append(dst, data...), err
		},
		decode: func(data []byte) (M, error) {
			m := create()
			return m, m.UnmarshalVT(data)
		},
	}
}

// cache holds states that a transaction has touched, decoded, until they are flushed:
// meanwhile each is decoded and encoded once, however many records touch it.
type cache[M comparable] struct {
	codec   codec[M]
	most    int // states that it holds before it flushes them; 0: no end
	entries map[string]*entry[M]
	touched []*entry[M] // in the order of their first touch
	memory  slab.Slab[entry[M]]
	encoded []byte // memory
}

// keptEntries is how many bytes of memory a cache keeps for its entries.
const keptEntries = 4 << 20

// entry is one state; value is nil if there is none.
type entry[M comparable] struct {
	key   []byte
	value M
	dirty bool
	codec *codec[M]
}

func newCache[M comparable](c codec[M]) cache[M] {
	return cache[M]{codec: c, entries: make(map[string]*entry[M]), memory: slab.Slab[entry[M]]{Keep: keptEntries}}
}

// get returns the state of key, decoded. If there is a most, it is valid until the
// next get.
func (c *cache[M]) get(tx stream.Tx, key []byte) (*entry[M], error) {
	if e, ok := c.entries[string(key)]; ok {
		return e, nil
	}
	if c.most > 0 && len(c.touched) == c.most {
		if err := c.flush(tx); err != nil {
			return nil, err
		}
	}
	data, err := tx.Get(key)
	if err != nil {
		return nil, err
	}
	e := c.memory.Next()
	e.key, e.codec = bytes.Clone(key), &c.codec
	if data != nil {
		if e.value, err = c.codec.decode(data); err != nil {
			return nil, fmt.Errorf("decode state %q: %w", key, err)
		}
	}
	c.entries[unsafe.String(unsafe.SliceData(e.key), len(e.key))] = e // nobody alters it
	c.touched = append(c.touched, e)
	return e, nil
}

// write returns the state to be changed, created if there was none.
func (e *entry[M]) write() M {
	var none M
	if e.value == none {
		e.value = e.codec.create()
	}
	e.dirty = true
	return e.value
}

// remove deletes the state.
func (e *entry[M]) remove() {
	var none M
	e.value, e.dirty = none, true
}

// flush writes what has changed to tx and forgets everything.
func (c *cache[M]) flush(tx stream.Tx) error {
	for _, e := range c.touched {
		if err := c.put(tx, e); err != nil {
			return err
		}
	}
	c.reset()
	return nil
}

// put writes a state, if it has changed, to tx.
func (c *cache[M]) put(tx stream.Tx, e *entry[M]) (err error) {
	var none M
	switch {
	case !e.dirty:
		return nil
	case e.value == none:
		return tx.Delete(e.key)
	}
	if c.encoded, err = c.codec.append(c.encoded[:0], e.value); err != nil {
		return fmt.Errorf("encode state %q: %w", e.key, err)
	}
	return tx.Put(e.key, c.encoded)
}

func (c *cache[M]) reset() {
	clear(c.entries)
	clear(c.touched)
	c.touched = c.touched[:0]
	c.memory.Reset()
	if c.codec.reset != nil {
		c.codec.reset()
	}
}
