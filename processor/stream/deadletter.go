package stream

import (
	"errors"
	"fmt"

	"unpark/schemas"
)

// Reasons of dead letters that the runtime itself gives; a handler's Poison
// brings its own.
const (
	reasonUndecodable = "undecodable"
	reasonTooLarge    = "too_large"
)

const deadLetterOrigin = "processor"

var errTooLarge = errors.New("what follows from it is larger than a record may be")

// undecodable makes a dead letter of garbage. What it holds is not known, so it
// may be personal: only its length is kept.
func (t *Task) undecodable(rec Record) {
	t.deadLetter(schemas.DeadLetter{
		Key:    rec.Key,
		Reason: reasonUndecodable,
		Error:  fmt.Sprintf("a value of %d bytes that is no InputRecord", len(rec.Value)),
		Offset: rec.Offset,
	})
}

// reject makes a dead letter of a record that decodes but cannot be applied.
func (t *Task) reject(rec Record, reason string, err error) {
	value := rec.Value
	if value == nil && rec.Input != nil {
		value, _ = rec.Input.MarshalVT() // it never fails for a decoded record
	}
	d := schemas.DeadLetter{Key: rec.Key, Value: value, Reason: reason, Error: fmt.Sprint(err), Offset: rec.Offset}
	if value != nil {
		d.Redrive = schemas.ConversationEvents.Suffix
	}
	t.deadLetter(d)
}

func (t *Task) deadLetter(d schemas.DeadLetter) {
	d.Origin, d.Topic, d.Partition = deadLetterOrigin, t.cfg.Topic, t.cfg.Partition
	o := Output{Topic: schemas.DeadLetters, Key: d.Key, Value: d.Value, Headers: d.Headers()}
	if outputSize(o) > t.cfg.MaxRecordBytes {
		d.Value, d.Redrive = nil, ""
		o.Value, o.Headers = nil, d.Headers()
	}
	t.cur.stats.DeadLetters++
	t.tx.Emit(o)
}
