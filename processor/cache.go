package processor

import (
	"bytes"
	"fmt"

	"unpark/processor/stream"
)

// codec makes a state, and turns it into what is stored and back. What has been
// encoded is not used any more.
type codec[M comparable] struct {
	create func() M
	encode func(M) ([]byte, error)
	decode func([]byte) (M, error)
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
		encode: func(m M) ([]byte, error) { return m.MarshalVT() },
		decode: func(data []byte) (M, error) {
			m := create()
			return m, m.UnmarshalVT(data)
		},
	}
}

// cache holds the states that a transaction has touched, decoded, until they are
// flushed: each is decoded and encoded once, however many records touch it.
type cache[M comparable] struct {
	codec   codec[M]
	entries map[string]*entry[M]
	touched []*entry[M] // in the order of their first touch
}

// entry is one state; value is nil if there is none.
type entry[M comparable] struct {
	key   []byte
	value M
	dirty bool
	codec *codec[M]
}

func newCache[M comparable](c codec[M]) cache[M] {
	return cache[M]{codec: c, entries: make(map[string]*entry[M])}
}

// get returns the state of key, decoded.
func (c *cache[M]) get(tx stream.Tx, key []byte) (*entry[M], error) {
	if e, ok := c.entries[string(key)]; ok {
		return e, nil
	}
	e := &entry[M]{key: bytes.Clone(key), codec: &c.codec}
	data, err := tx.Get(key)
	if err != nil {
		return nil, err
	}
	if data != nil {
		if e.value, err = c.codec.decode(data); err != nil {
			return nil, fmt.Errorf("decode state %q: %w", key, err)
		}
	}
	c.entries[string(key)] = e
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
		if err := e.flush(tx); err != nil {
			return err
		}
	}
	c.reset()
	return nil
}

func (e *entry[M]) flush(tx stream.Tx) error {
	var none M
	switch {
	case !e.dirty:
		return nil
	case e.value == none:
		return tx.Delete(e.key)
	}
	data, err := e.codec.encode(e.value)
	if err != nil {
		return fmt.Errorf("encode state %q: %w", e.key, err)
	}
	return tx.Put(e.key, data)
}

func (c *cache[M]) reset() {
	clear(c.entries)
	clear(c.touched)
	c.touched = c.touched[:0]
}
