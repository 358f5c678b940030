package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Partition is what the store holds of one partition: its state, its deadline
// index, and the position they stand for.
type Partition struct {
	id    int32
	db    *pebble.DB
	key   []byte
	value []byte
}

// Position is the point of the changelog that a partition's state stands for.
type Position struct {
	// Changelog is the next changelog offset to read.
	Changelog int64
	// Topic and Cluster are the ids of the changelog topic and of its cluster.
	Topic   [16]byte
	Cluster string
	// Format is the format of the state.
	Format uint32
	// WrittenAt is the wall clock's time of the commit, epoch milliseconds.
	WrittenAt int64
	// Meta is the newest meta record.
	Meta []byte
}

// ID returns the partition's number.
func (p *Partition) ID() int32 { return p.id }

// Get returns the value of key, nil if there is none. It is valid until the
// next call of Get.
func (p *Partition) Get(key []byte) ([]byte, error) {
	p.key = stateKey(p.key[:0], p.id, key)
	return p.get(p.key)
}

func (p *Partition) get(key []byte) ([]byte, error) {
	v, closer, err := p.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read state of partition %d: %w", p.id, err)
	}
	if p.value = append(p.value[:0], v...); p.value == nil {
		p.value = []byte{}
	}
	return p.value, closer.Close()
}

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
	it, err := p.db.NewIter(&pebble.IterOptions{LowerBound: stateKey(nil, p.id, lower), UpperBound: upper})
	if err != nil {
		return fmt.Errorf("scan state of partition %d: %w", p.id, err)
	}
	more := true
	for ok := it.First(); ok && more; ok = more && it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(err, it.Close())
		}
		more = fn(it.Key()[prefixSize:], v)
	}
	return it.Close()
}

// Position returns the position that the state stands for; ok is false if the
// partition is empty or its position is not readable.
func (p *Partition) Position() (pos Position, ok bool, err error) {
	v, err := p.get(appendPrefix(nil, p.id, positionSpace))
	if v == nil || err != nil {
		return Position{}, false, err
	}
	if json.Unmarshal(v, &pos) != nil {
		return Position{}, false, nil
	}
	return pos, true, nil
}

// Drop removes all the store holds of the partition.
func (p *Partition) Drop() error {
	span := pebble.KeyRange{Start: appendPrefix(nil, p.id, 0)[:4], End: appendPrefix(nil, p.id+1, 0)[:4]}
	if err := p.db.Excise(context.Background(), span); err != nil {
		return fmt.Errorf("drop partition %d: %w", p.id, err)
	}
	return nil
}
