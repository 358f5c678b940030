package schemas

import (
	"sync"

	"unpark/internal/slab"
)

// usualSessions is how many sessions a usual state has at most.
const usualSessions = 4

// stateBlock is the memory of a usual state, so that it is one allocation.
type stateBlock struct {
	st       ConversationState
	ep       Episode
	facts    [len(factTags)]Fact
	sessions [usualSessions]Session
	list     [usualSessions]*Session
	times    [2 + 2*usualSessions]int64
}

// StateDecoder decodes states into memory that it uses again: those of a
// transaction live and end together. The zero value is ready; it belongs to one
// goroutine.
type StateDecoder struct {
	stateDecoder
	blocks slab.Slab[stateBlock]
}

// keptBlocks is how many bytes of memory a StateDecoder keeps.
const keptBlocks = 32 << 20

// Decode is DecodeState, but that the state is valid until Reset. Its strings stay
// valid, and keep those of other states in memory with them.
func (d *StateDecoder) Decode(data []byte) (*ConversationState, error) {
	d.shared = true
	return d.decode(data, d.blocks.Next())
}

// Reset ends all states that were decoded.
func (d *StateDecoder) Reset() {
	d.blocks.Keep = keptBlocks
	d.blocks.Reset()
}

// stateDecoder reads the fields that every state has and resolves their short
// forms on the way. All others it leaves to the generated code, field by field, and
// their short forms to unpack.
type stateDecoder struct {
	tableReader
	block *stateBlock
	facts int  // used of the block's
	other bool // there were fields that the generated code has read
}

// decoders keeps the memory that decoding needs.
var decoders = sync.Pool{New: func() any { return new(stateDecoder) }}

// decode decodes a state into an empty block.
func (d *stateDecoder) decode(data []byte, block *stateBlock) (*ConversationState, error) {
	if err := d.read(data); err != nil {
		return nil, err
	}
	d.block, d.facts, d.other = block, 0, false
	d.times = d.block.times[:0]
	if err := d.state(data); err != nil {
		return nil, err
	}
	st := &d.block.st
	if err := checkStateVersion(st.Version); err != nil {
		return nil, err
	}
	if d.other {
		unpack(st, &d.tableReader)
	}
	if d.bad {
		return nil, errBadReference
	}
	st.Version = StateVersion
	return st, nil
}

// rest leaves a field to the generated code.
func (d *stateDecoder) rest(w *wire, m unmarshaler, from int) {
	d.other = true
	w.rest(m, from)
}

func (d *stateDecoder) state(data []byte) error {
	st, w := &d.block.st, wire{data: data}
	for w.more() {
		from := w.pos
		switch w.varint() {
		case tagVersion:
			st.Version = uint32(w.varint())
		case tagDeadline:
			st.DeadlineMs = d.keep(int64(w.varint()))
		case tagClosed:
			st.ClosedAtMs = d.keep(int64(w.varint()))
		case tagEpisode:
			st.Episode = &d.block.ep
			w.join(d.episode(st.Episode, w.message()))
		case tagTable:
			w.bytes()
		default:
			d.rest(&w, st, from)
		}
	}
	return w.err
}

func (d *stateDecoder) episode(ep *Episode, w wire) error {
	for w.more() {
		from := w.pos
		switch w.varint() {
		case tagOpened:
			ep.Opened = w.varint() != 0
		case tagFirstStart:
			w.join(d.fact(&ep.FirstStart, w.message()))
		case tagSession:
			s := d.session(ep)
			ep.Sessions = append(ep.Sessions, s)
			w.join(d.readSession(s, w.message()))
		case tagQueue:
			w.join(d.fact(&ep.Queue, w.message()))
		case tagDivision:
			w.join(d.fact(&ep.Division, w.message()))
		case tagMedia:
			w.join(d.fact(&ep.Media, w.message()))
		case tagMessageType:
			w.join(d.fact(&ep.MessageType, w.message()))
		default:
			d.rest(&w, ep, from)
		}
	}
	return w.err
}

// session returns the memory of the episode's next session.
func (d *stateDecoder) session(ep *Episode) *Session {
	b := d.block
	if ep.Sessions == nil {
		ep.Sessions = b.list[:0]
	}
	if n := len(ep.Sessions); n < len(b.sessions) {
		return &b.sessions[n]
	}
	return &Session{}
}

func (d *stateDecoder) readSession(s *Session, w wire) error {
	for w.more() {
		from := w.pos
		switch w.varint() {
		case tagSessionKind:
			s.Kind = SessionKind(w.varint())
		case tagSessionID:
			s.Id = d.text(w.varint(), s.Id)
		case tagSessionStart:
			s.StartedAtMs = d.optional(w.varint(), s.StartedAtMs)
		case tagSessionEnd:
			s.EndedAtMs = d.optional(w.varint(), s.EndedAtMs)
		case tagSessionQueue:
			s.QueueId = d.text(w.varint(), s.QueueId)
		case tagSessionUser:
			s.UserId = d.text(w.varint(), s.UserId)
		default:
			d.rest(&w, s, from)
		}
	}
	return w.err
}

func (d *stateDecoder) fact(to **Fact, w wire) error {
	if *to == nil {
		*to = &d.block.facts[d.facts]
		d.facts++
	}
	f := *to
	for w.more() {
		from := w.pos
		switch w.varint() {
		case tagFactValue:
			f.Value = d.text(w.varint(), f.Value)
		case tagFactAt:
			f.AtMs = d.time(w.varint(), f.AtMs)
		case tagFactSession:
			f.SessionId = d.text(w.varint(), f.SessionId)
		default:
			d.rest(&w, f, from)
		}
	}
	return w.err
}
