package schemas

import "google.golang.org/protobuf/encoding/protowire"

const (
	varintTag = uint64(protowire.VarintType)
	bytesTag  = uint64(protowire.BytesType)
)

// Tags of the fields that the codec of states reads and writes by itself:
// number<<3 | wire type. All of them have one byte.
const (
	tagVersion  = 1<<3 | varintTag
	tagDeadline = 2<<3 | varintTag
	tagClosed   = 3<<3 | varintTag
	tagEpisode  = 4<<3 | bytesTag
	tagUnsure   = 6<<3 | bytesTag
	tagTable    = 15<<3 | bytesTag

	tagUnsureEpisode = 1<<3 | bytesTag

	tagOpened      = 1<<3 | varintTag
	tagFirstStart  = 2<<3 | bytesTag
	tagSession     = 4<<3 | bytesTag
	tagQueue       = 5<<3 | bytesTag
	tagDivision    = 6<<3 | bytesTag
	tagMedia       = 7<<3 | bytesTag
	tagMessageType = 8<<3 | bytesTag

	tagSessionKind  = 2<<3 | varintTag
	tagSessionID    = 7<<3 | varintTag
	tagSessionStart = 8<<3 | varintTag
	tagSessionEnd   = 9<<3 | varintTag
	tagSessionQueue = 10<<3 | varintTag
	tagSessionUser  = 11<<3 | varintTag

	tagFactValue   = 4<<3 | varintTag
	tagFactAt      = 5<<3 | varintTag
	tagFactSession = 6<<3 | varintTag

	tagIDs    = 1<<3 | bytesTag
	tagWord   = 2<<3 | bytesTag
	tagBefore = 3<<3 | varintTag
)

// factTags are those of Episode.facts, in its order.
var factTags = [...]uint64{tagFirstStart, tagQueue, tagDivision, tagMedia, tagMessageType}

// wire reads an encoded message field by field.
type wire struct {
	data []byte
	pos  int
	err  error
}

func (w *wire) more() bool { return w.pos < len(w.data) }

func (w *wire) fail(n int) {
	w.err, w.pos = protowire.ParseError(n), len(w.data)
}

// varint returns the varint that is next: a tag, or a value.
func (w *wire) varint() uint64 {
	if w.pos < len(w.data) && w.data[w.pos] < 1<<7 {
		w.pos++
		return uint64(w.data[w.pos-1])
	}
	return w.longVarint()
}

func (w *wire) longVarint() uint64 {
	v, n := protowire.ConsumeVarint(w.data[w.pos:])
	if n < 0 {
		w.fail(n)
		return 0
	}
	w.pos += n
	return v
}

// bytes returns the bytes that are next, behind their length.
func (w *wire) bytes() []byte {
	n := w.varint()
	if w.err != nil || n > uint64(len(w.data)-w.pos) {
		w.data = w.data[:w.pos]
		w.err = errTruncated
		return nil
	}
	w.pos += int(n)
	return w.data[w.pos-int(n) : w.pos]
}

var errTruncated = protowire.ParseError(-1)

// message returns a reader of the message that is next.
func (w *wire) message() wire { return wire{data: w.bytes()} }

// field returns the whole field, tag included, that begins at from, and goes on
// behind it.
func (w *wire) field(from int) []byte {
	_, _, n := protowire.ConsumeField(w.data[from:])
	if n < 0 {
		w.fail(n)
		return nil
	}
	w.pos = from + n
	return w.data[from:w.pos]
}

// skip goes on behind the field that begins at from with this tag.
func (w *wire) skip(tag uint64, from int) {
	switch tag & 7 {
	case varintTag:
		w.varint()
	case bytesTag:
		w.bytes()
	default:
		w.field(from)
	}
}

// unmarshaler is what generated messages have.
type unmarshaler interface{ UnmarshalVT([]byte) error }

// rest leaves the field that begins at from to the generated code.
func (w *wire) rest(m unmarshaler, from int) {
	if raw := w.field(from); w.err == nil {
		if w.err = m.UnmarshalVT(raw); w.err != nil {
			w.pos = len(w.data)
		}
	}
}

// join takes over the error of a message within.
func (w *wire) join(err error) {
	if err != nil && w.err == nil {
		w.err, w.pos = err, len(w.data)
	}
}
