package store

import (
	"encoding/json"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Batch collects changes of one partition. Either all of them are in the store,
// with the position they lead to, or none. Of two changes to one key the later
// one holds.
type Batch struct {
	p   *Partition
	b   *pebble.Batch
	key []byte
	err error
}

// NewBatch returns an empty batch. It must be committed or closed.
func (p *Partition) NewBatch() *Batch { return &Batch{p: p, b: p.db.NewBatch()} }

func (b *Batch) set(key, value []byte) {
	if b.err == nil {
		b.err = b.b.Set(key, value, nil)
	}
}

func (b *Batch) delete(key []byte) {
	if b.err == nil {
		b.err = b.b.Delete(key, nil)
	}
}

// Put sets the value of key.
func (b *Batch) Put(key, value []byte) {
	b.key = stateKey(b.key[:0], b.p.id, key)
	b.set(b.key, value)
}

// Delete removes key.
func (b *Batch) Delete(key []byte) {
	b.key = stateKey(b.key[:0], b.p.id, key)
	b.delete(b.key)
}

// PutDeadline adds an entry to the deadline index.
func (b *Batch) PutDeadline(d Deadline) {
	b.key = deadlineKey(b.key[:0], b.p.id, d)
	b.set(b.key, nil)
}

// DeleteDeadline removes an entry from the deadline index.
func (b *Batch) DeleteDeadline(d Deadline) {
	b.key = deadlineKey(b.key[:0], b.p.id, d)
	b.delete(b.key)
}

// DeleteDeadlinesUpTo removes all entries up to and including d.
func (b *Batch) DeleteDeadlinesUpTo(d Deadline) {
	start := appendPrefix(nil, b.p.id, deadlineSpace)
	end := append(deadlineKey(nil, b.p.id, d), 0)
	if len(d.Key) == 0 {
		end = deadlineKey(nil, b.p.id, d)
	}
	if b.err == nil {
		b.err = b.b.DeleteRange(start, end, nil)
	}
}

// Commit applies the changes and the position in one step and closes the batch.
// It does not wait for the disk: a crash may lose it, and those after it, as a
// whole.
func (b *Batch) Commit(pos Position) error {
	defer b.Close()
	v, err := json.Marshal(pos)
	if err != nil {
		return err
	}
	b.set(appendPrefix(nil, b.p.id, positionSpace), v)
	if b.err == nil {
		b.err = b.p.db.Apply(b.b, pebble.NoSync)
	}
	if b.err != nil {
		return fmt.Errorf("write state of partition %d: %w", b.p.id, b.err)
	}
	return nil
}

// Close drops a batch that is not committed. It may be called more than once.
func (b *Batch) Close() {
	if b.b != nil {
		_ = b.b.Close() // only returns the memory
		b.b = nil
	}
}
