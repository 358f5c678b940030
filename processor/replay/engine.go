package replay

import (
	"cmp"
	"errors"
	"fmt"

	"unpark/processor/stream"
	"unpark/schemas"
)

// engine drives a handler as a stream.Task does, on facts that it has in memory: one
// goroutine, no log, ticks that handle all that is due. What it decides is what a
// Task decides; TestShardsTellTheSame compares them.
type engine struct {
	handler stream.Handler
	memory  *memory
	cur     position
	saved   position // as of the last commit
	here    place    // of what is emitted
	out     []told
	units   units
	tooBig  bool // something was written that no topic would take
}

// position is what ticks move, state aside.
type position struct {
	now    int64
	ticked int64
	// The deadline index has been handled up to and including these.
	watermark    int64
	watermarkKey string
	more         bool // the handler asked for another tick
}

// units numbers the calls of the handler, so that the one that writes more than a
// record may hold is found, and left out: see stream.Task.
type units struct {
	n        int
	careful  bool // look after every one
	rejected map[int]bool
}

// oversized says that a unit writes too much.
type oversized struct{ unit int }

func (o oversized) Error() string {
	return fmt.Sprintf("step %d writes more than a record may hold", o.unit)
}

var errTooLarge = errors.New("what follows from it is larger than a record may be")

func newEngine(h stream.Handler) *engine { return &engine{handler: h, memory: newMemory()} }

// run applies a part of the history and keeps what it changes, or nothing.
func (e *engine) run(part func() error) error {
	for {
		err := part()
		if err == nil && !e.units.careful {
			err = e.handler.Flush(e)
		}
		var big oversized
		switch {
		case errors.As(err, &big):
			if e.units.rejected == nil {
				e.units.rejected = make(map[int]bool)
			}
			e.units.rejected[big.unit] = true
		case err != nil:
			return err
		case !e.tooBig:
			e.commit()
			return nil
		}
		e.rollback()
		e.units.careful = true
	}
}

func (e *engine) commit() {
	e.memory.commit()
	e.saved, e.units = e.cur, units{}
}

func (e *engine) rollback() {
	e.memory.rollback()
	e.handler.Reset()
	clear(e.out)
	e.cur, e.out, e.tooBig, e.units.n = e.saved, e.out[:0], false, 0
}

// apply applies the input of the step.
func (e *engine) apply(in *schemas.InputRecord, step int64) error {
	e.here = place{step: step, tick: afterTicks}
	if e.skip() {
		return nil
	}
	outputs := len(e.out)
	if err := e.handler.Process(e, stream.Record{Offset: step, AppendTime: e.cur.now, Input: in}); err != nil {
		p, ok := stream.AsPoison(err)
		if !ok {
			return err
		}
		e.out = e.out[:outputs]
		e.reject(p.Reason, p.Err)
		return nil
	}
	return e.looked()
}

// advance ticks at every instant up to until at which something falls due.
func (e *engine) advance(until, step int64) error {
	for {
		first, ok := e.memory.index.first(until)
		if !ok || e.cur.now > until {
			return nil
		}
		if err := e.tick(max(first.at, e.cur.now), step); err != nil {
			return err
		}
	}
}

// tick moves time to at and handles all that is due.
func (e *engine) tick(at, step int64) error {
	now := max(e.cur.now, at)
	e.cur.now, e.cur.ticked = now, stream.Ticked(e.cur.ticked, e.cur.now, now)
	for {
		if err := e.punctuate(step); err != nil {
			return err
		}
		e.here = place{step: step, tick: e.cur.now, key: "\xff"}
		if !e.skip() {
			more, err := e.handler.Tick(e)
			if e.cur.more = more; err != nil {
				return fmt.Errorf("tick at %d: %w", at, err)
			}
			if err := e.looked(); err != nil {
				return err
			}
		}
		if !e.cur.more {
			return nil
		}
	}
}

func (e *engine) punctuate(step int64) error {
	for {
		first, ok := e.memory.index.first(e.cur.now)
		if !ok {
			e.cur.watermark, e.cur.watermarkKey = e.cur.now, ""
			return nil
		}
		e.memory.take(first)
		e.cur.watermark, e.cur.watermarkKey = first.at, first.of.key
		e.here = place{step: step, tick: e.cur.now, key: first.of.key}
		if e.skip() {
			continue
		}
		if _, err := e.handler.Punctuate(e, []byte(first.of.key), first.at); err != nil {
			return err
		}
		if err := e.looked(); err != nil {
			return err
		}
	}
}

// skip begins a unit; true if it is known to write too much.
func (e *engine) skip() bool {
	e.units.n++
	if !e.units.rejected[e.units.n] {
		return false
	}
	e.reject("too_large", errTooLarge)
	return true
}

// looked ends a unit.
func (e *engine) looked() error {
	if !e.units.careful {
		return nil
	}
	if err := e.handler.Flush(e); err != nil {
		return err
	}
	if e.tooBig {
		return oversized{e.units.n}
	}
	return nil
}

// reject tells of a record that cannot be applied, as far as a replay counts them.
func (e *engine) reject(reason string, err error) {
	letter := schemas.DeadLetter{Reason: reason, Error: fmt.Sprint(err), Partition: -1, Offset: -1}
	e.out = append(e.out, told{place: e.here, output: stream.Output{Topic: schemas.DeadLetters, Headers: letter.Headers()}})
}

// Now implements stream.Tx.
func (e *engine) Now() int64 { return e.cur.now }

// Ticked implements stream.Tx.
func (e *engine) Ticked() int64 { return e.cur.ticked }

// Get implements stream.Tx.
func (e *engine) Get(key []byte) ([]byte, error) { return e.memory.get(key), nil }

// Put implements stream.Tx.
func (e *engine) Put(key, value []byte) error {
	e.memory.put(key, append([]byte{}, value...))
	e.tooBig = e.tooBig || len(key)+len(value) > stream.DefaultMaxRecordBytes
	return nil
}

// Delete implements stream.Tx.
func (e *engine) Delete(key []byte) error {
	e.memory.put(key, nil)
	return nil
}

// Scan implements stream.Tx.
func (e *engine) Scan(prefix, from []byte, limit int) ([][]byte, error) {
	return e.memory.scan(prefix, from, limit), nil
}

// SetDeadline implements stream.Tx.
func (e *engine) SetDeadline(key []byte, at int64) (int64, error) {
	s := e.memory.slot(key)
	if cmp.Or(cmp.Compare(at, e.cur.watermark), cmp.Compare(s.key, e.cur.watermarkKey)) <= 0 {
		if at = e.cur.watermark; s.key <= e.cur.watermarkKey {
			at++
		}
	}
	e.memory.setDue(s, at)
	return at, nil
}

// DropDeadline implements stream.Tx.
func (e *engine) DropDeadline(key []byte, at int64) {
	if s := e.memory.slot(key); s.due == at {
		e.memory.setDue(s, noDue)
	}
}

// Emit implements stream.Tx.
func (e *engine) Emit(o stream.Output) {
	size := len(o.Key) + len(o.Value)
	for _, h := range o.Headers {
		size += len(h.Key) + len(h.Value) + 10
	}
	e.tooBig = e.tooBig || size > stream.DefaultMaxRecordBytes
	if !o.OwnInput() {
		e.out = append(e.out, told{place: e.here, output: o})
	}
}
