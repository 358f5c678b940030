package processor

import (
	"fmt"

	"unpark/processor/stream"
)

// message is a Protobuf state.
type message interface {
	comparable
	MarshalVT() ([]byte, error)
	UnmarshalVT([]byte) error
}

// cache holds the states that a transaction has touched, decoded, until they are
// flushed: each is decoded and encoded once, however many records touch it.
type cache[M message] struct {
	create  func() M
	entries map[string]*entry[M]
	touched []*entry[M] // in the order of their first touch
}

// entry is one state; value is nil if there is none.
type entry[M message] struct {
	key   []byte
	value M
	dirty bool
	empty func() M
}

func newCache[M message](create func() M) cache[M] {
	return cache[M]{create: create, entries: make(map[string]*entry[M])}
}

// get returns the state of key, decoded.
func (c *cache[M]) get(tx stream.Tx, key []byte) (*entry[M], error) {
	if e, ok := c.entries[string(key)]; ok {
		return e, nil
	}
	e := &entry[M]{key: append([]byte(nil), key...), empty: c.create}
	data, err := tx.Get(key)
	if err != nil {
		return nil, err
	}
	if data != nil {
		e.value = c.create()
		if err := e.value.UnmarshalVT(data); err != nil {
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
		e.value = e.empty()
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
	data, err := e.value.MarshalVT()
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
