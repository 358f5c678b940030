package stream

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"

	"unpark/schemas"
)

var (
	errUnknownKind = errors.New("a record of a kind that this binary does not know: run a newer unpark")
	errEmpty       = errors.New("a record without a kind")
)

// decoder decodes records. Nearly all of them are events: they share one message,
// and their strings lie in the record's value.
type decoder struct {
	input schemas.InputRecord
	event schemas.InputRecord_Event
}

// eventTag is the first byte of an event's record.
var eventTag = byte(protowire.EncodeTag(1, protowire.BytesType))

// decode returns the record's input. That of an event is valid until the next
// call.
func (d *decoder) decode(rec Record) (*schemas.InputRecord, error) {
	in := rec.Input
	if in == nil {
		var err error
		if in, err = d.unmarshal(rec.Value); err != nil {
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

func (d *decoder) unmarshal(value []byte) (*schemas.InputRecord, error) {
	if len(value) == 0 || value[0] != eventTag {
		in := new(schemas.InputRecord)
		return in, in.UnmarshalVT(value)
	}
	if d.event.Event == nil {
		d.event.Event = new(schemas.ConversationEvent)
	}
	d.event.Event.Reset()
	d.input.Reset()
	d.input.Kind = &d.event
	return &d.input, d.input.UnmarshalVTUnsafe(value)
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
