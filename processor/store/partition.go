package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Partition is what the store holds of one partition: its state, its deadline
// index, and the position they stand for. The newest of it is a layer in memory,
// which Commit brings into Pebble when it has become large or old; while that is
// under way, and until the next time, the layer is kept to read from.
//
// Changes are made by Put, Delete and the like, and become part of the state with
// Commit. A Partition belongs to one goroutine.
type Partition struct {
	id    int32
	s     *Store
	dirty *layer
	prev  *layer // nil: none yet
	// prevSize is that of prev when it last was ours alone: its flush may add to it.
	prevSize int64
	// writing brings the outcome of the flush of prev; nil: none is under way.
	writing   chan error
	trimmed   *Deadline // up to there Pebble's deadline index has been trimmed
	open      bool      // there are changes without a commit
	err       error     // a flush has failed: nothing may follow it
	index     func(key, value []byte) (at int64, ok bool, err error)
	accounted int64
	reader    *pebble.Iterator // over the states in Pebble; nil: none is open
	key       []byte
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
	// Meta is the newest meta record, and MetaAt its changelog offset.
	Meta   []byte
	MetaAt int64
}

// ID returns the partition's number.
func (p *Partition) ID() int32 { return p.id }

// Get returns the value of key, nil if there is none. It is valid until the
// next call.
func (p *Partition) Get(key []byte) ([]byte, error) {
	h := hash(key)
	if v, ok := p.dirty.states.get(h, key); ok {
		return v, nil
	}
	if p.prev != nil {
		if v, ok := p.prev.states.get(h, key); ok {
			return v, nil
		}
	}
	return p.read(key)
}

// read reads a state from Pebble, by an iterator that is kept until a layer goes:
// unlike a get it asks the filters of the lowest level, where most of Pebble's
// tables are, and most of what is looked for is nowhere.
func (p *Partition) read(key []byte) (value []byte, err error) {
	if p.reader == nil {
		p.reader, err = p.s.db.NewIter(&pebble.IterOptions{
			LowerBound: appendPrefix(nil, p.id, stateSpace), UpperBound: spaceEnd(p.id, stateSpace), UseL6Filters: true,
		})
		if err != nil {
			return nil, fmt.Errorf("read state of partition %d: %w", p.id, err)
		}
	}
	p.key = stateKey(p.key[:0], p.id, key)
	if p.reader.SeekPrefixGE(p.key) {
		value, err = p.reader.ValueAndErr()
		if value == nil {
			value = []byte{}
		}
	} else {
		err = p.reader.Error()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read state of partition %d: %w", p.id, err), p.EndReading())
	}
	return value, nil
}

// EndReading lets go of what Pebble keeps for the partition's reads, tables that it
// would have deleted among it, until the next one. Whoever commits need not ask for
// it.
func (p *Partition) EndReading() error {
	if p.reader == nil {
		return nil
	}
	err := p.reader.Close()
	p.reader = nil
	return err
}

// Put sets the value of key, Delete removes it.
func (p *Partition) Put(key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	p.change().states.put(key, value)
}

// Delete removes key.
func (p *Partition) Delete(key []byte) { p.change().states.put(key, nil) }

// PutDeadline adds an entry to the deadline index.
func (p *Partition) PutDeadline(d Deadline) { p.change().putDeadline(d) }

// DropDeadline removes an entry that would be found stale. It may stay where an
// earlier flush has brought it.
func (p *Partition) DropDeadline(d Deadline) { p.change().dropDeadline(d) }

// HandledDeadlines removes all entries up to and including d.
func (p *Partition) HandledDeadlines(d Deadline) { p.change().handledUpTo(d) }

func (p *Partition) change() *layer {
	p.open = true
	return p.dirty
}

// Commit makes the changes part of the state, which stands for pos with them. It
// does not wait for the disk: a crash may lose it and those after it, as a whole.
func (p *Partition) Commit(pos Position) error {
	if p.err != nil {
		return p.err
	}
	if p.open = false; p.dirty.pos == nil {
		p.dirty.since = time.Now()
	}
	p.dirty.pos = &pos
	p.account()
	return p.flushIfDue()
}

// flushIfDue starts a flush if the layer is large or old. It waits for the one
// before only if memory would grow without bound.
func (p *Partition) flushIfDue() error {
	if err := p.settle(false); err != nil {
		return err
	}
	size, share := p.dirty.size(), p.s.share()
	switch {
	case size < share && time.Since(p.dirty.since) < p.s.flushInterval:
		return nil
	case p.writing == nil:
	case size < 2*share:
		return nil
	default:
		if err := p.settle(true); err != nil {
			return err
		}
	}
	return p.freeze()
}

// settle takes the outcome of the flush under way, if it has ended, or waits.
func (p *Partition) settle(wait bool) error {
	if p.writing == nil {
		return p.err
	}
	if !wait && len(p.writing) == 0 {
		return p.err
	}
	p.err, p.writing = <-p.writing, nil
	p.prevSize = int64(p.prev.size())
	return p.err
}

// freeze makes the layer the previous one and starts its flush. What the one before
// held is read from Pebble from now on.
func (p *Partition) freeze() error {
	if err := p.EndReading(); err != nil {
		return err
	}
	next := p.prev
	if next == nil {
		next = newLayer()
	}
	next.reset()
	l, trimmed, index, done := p.dirty, p.trimmed, p.index, make(chan error, 1)
	p.prev, p.prevSize, p.dirty, p.writing = l, int64(l.size()), next, done
	if l.handled != nil {
		p.trimmed = l.handled
	}
	p.account()
	go func() {
		err := l.indexBy(index)
		if err == nil {
			err = p.s.flush(p.id, l, trimmed)
		}
		done <- err
	}()
	return nil
}

// Flush brings all that is committed into Pebble and waits for it. Changes
// without a commit keep it from doing so.
func (p *Partition) Flush() error {
	if err := p.settle(true); err != nil {
		return err
	}
	if p.open {
		return fmt.Errorf("flush partition %d: there are changes that are not committed", p.id)
	}
	if p.dirty.pos == nil {
		return nil
	}
	if err := p.freeze(); err != nil {
		return err
	}
	return p.settle(true)
}

// Close flushes what is committed, unless changes stand beside it that are not,
// and gives the memory back. The Partition must not be used any more.
func (p *Partition) Close() error {
	err := p.settle(true)
	if err == nil && !p.open {
		err = p.Flush()
	}
	err = errors.Join(err, p.EndReading())
	p.forget()
	p.s.release(p)
	return err
}

// BeginRestore prepares for changes whose deadlines are not put one by one: index
// tells that of a state, and is asked once for each that lasts. Nothing may be
// read before EndRestore. index is called by another goroutine.
func (p *Partition) BeginRestore(index func(key, value []byte) (at int64, ok bool, err error)) {
	p.index = index
}

// EndRestore waits for the flush under way; the partition can be read again. What
// was restored is on its way into Pebble then, unless it is little: a process that
// dies soon after has it the next time.
func (p *Partition) EndRestore() error {
	if p.settle(true) == nil {
		p.err = p.dirty.indexBy(p.index)
	}
	p.index = nil
	if p.err == nil && p.dirty.pos != nil && p.dirty.size() >= p.s.share()/restoredShare {
		return p.freeze()
	}
	return p.err
}

// Position returns the position that the state stands for; ok is false if the
// partition is empty. One that cannot be read is zero: it stands for nothing.
func (p *Partition) Position() (pos Position, ok bool, err error) {
	for _, l := range []*layer{p.dirty, p.prev} {
		if l != nil && l.pos != nil {
			return *l.pos, true, nil
		}
	}
	v, closer, err := p.s.db.Get(appendPrefix(nil, p.id, positionSpace))
	if errors.Is(err, pebble.ErrNotFound) {
		return Position{}, false, nil
	}
	if err != nil {
		return Position{}, false, fmt.Errorf("read position of partition %d: %w", p.id, err)
	}
	if json.Unmarshal(v, &pos) != nil {
		pos = Position{}
	}
	return pos, true, closer.Close()
}

// Drop removes all the store holds of the partition.
func (p *Partition) Drop() error {
	if err := p.settle(true); err != nil {
		return err
	}
	if err := p.EndReading(); err != nil {
		return fmt.Errorf("drop partition %d: %w", p.id, err)
	}
	p.forget()
	span := pebble.KeyRange{Start: appendPrefix(nil, p.id, 0)[:4], End: appendPrefix(nil, p.id+1, 0)[:4]}
	if err := p.s.db.Excise(context.Background(), span); err != nil {
		return fmt.Errorf("drop partition %d: %w", p.id, err)
	}
	return nil
}

func (p *Partition) forget() {
	p.dirty, p.prev, p.trimmed, p.open = newLayer(), nil, nil, false
	p.account()
}

// account tells the store how much memory the partition takes.
func (p *Partition) account() {
	size := int64(p.dirty.size())
	if p.prev != nil {
		size += p.prevSize
	}
	p.s.layerBytes.Add(size - p.accounted)
	p.accounted = size
}
