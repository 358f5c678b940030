package stream

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"unpark/schemas"
)

// Reasons of dead letters that the runtime itself gives; a handler's Poison
// brings its own.
const (
	reasonUndecodable = "undecodable"
	reasonTooLarge    = "too_large"
)

const deadLetterOrigin = "processor"

var (
	errTooLarge    = errors.New("what follows from it is larger than a record may be")
	errUnknownKind = errors.New("a record of a kind that this binary does not know: run a newer unpark")
	errEmpty       = errors.New("a record without a kind")
)

// decode returns the record's input.
func decode(rec Record) (*schemas.InputRecord, error) {
	in := rec.Input
	if in == nil {
		in = new(schemas.InputRecord)
		if err := in.UnmarshalVT(rec.Value); err != nil {
			return nil, err
		}
	}
	if in.Kind != nil {
		return in, nil
	}
	if hasUnknownKind(in.ProtoReflect().GetUnknown()) {
		return nil, errUnknownKind
	}
	return nil, errEmpty
}

// maxKind is far above the field number of any kind there will be; garbage that
// happens to be Protobuf rarely stays below it.
const maxKind = 64

// hasUnknownKind reports whether unknown fields may hold a kind: a message with
// a low field number.
func hasUnknownKind(unknown []byte) bool {
	for len(unknown) > 0 {
		num, typ, n := protowire.ConsumeField(unknown)
		if n < 0 {
			return false
		}
		unknown = unknown[n:]
		if num < maxKind && typ == protowire.BytesType {
			return true
		}
	}
	return false
}

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
