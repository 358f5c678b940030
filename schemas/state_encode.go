package schemas

import (
	"math"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// stateEncoder writes the fields that every state has, in their short forms. All
// others it moves into their short forms and leaves to the generated code.
type stateEncoder struct {
	tableWriter
	out []byte
}

// encoders keeps the memory that encoding needs.
var encoders = sync.Pool{New: func() any { return new(stateEncoder) }}

func (e *stateEncoder) encode(dst []byte, st *ConversationState) ([]byte, error) {
	e.out = dst
	times := timesOf(st)
	if times.first > times.last || uint64(times.last)-uint64(times.first) >= math.MaxInt64 {
		err := e.rest(st) // no times, or such that have no distance
		return e.done(), err
	}
	e.reset(times.first - 1)
	e.varint(tagVersion, uint64(st.Version))
	if st.DeadlineMs != nil {
		e.varint(tagDeadline, uint64(*st.DeadlineMs))
	}
	if st.ClosedAtMs != nil {
		e.varint(tagClosed, uint64(*st.ClosedAtMs))
	}
	err := e.episodes(st)
	st.Version, st.DeadlineMs, st.ClosedAtMs, st.Episode, st.Unsure = 0, nil, nil, nil, nil
	if err == nil {
		err = e.rest(st)
	}
	e.writeTable()
	return e.done(), err
}

// done returns what was written, and keeps nothing of it.
func (e *stateEncoder) done() []byte {
	out := e.out
	e.out = nil
	return out
}

func (e *stateEncoder) episodes(st *ConversationState) error {
	if st.Episode != nil {
		at := e.begin(tagEpisode)
		if err := e.episode(st.Episode); err != nil {
			return err
		}
		e.end(at)
	}
	if st.Unsure == nil {
		return nil
	}
	unsure := e.begin(tagUnsure)
	if st.Unsure.Episode != nil {
		at := e.begin(tagUnsureEpisode)
		if err := e.episode(st.Unsure.Episode); err != nil {
			return err
		}
		e.end(at)
		st.Unsure.Episode = nil
	}
	err := e.rest(st.Unsure)
	e.end(unsure)
	return err
}

func (e *stateEncoder) episode(ep *Episode) error {
	if ep.Opened {
		e.varint(tagOpened, 1)
	}
	for _, s := range ep.Sessions {
		if err := e.session(s); err != nil {
			return err
		}
	}
	for i, f := range ep.facts() {
		if f == nil {
			continue
		}
		at := e.begin(factTags[i])
		if err := e.fact(f); err != nil {
			return err
		}
		e.end(at)
	}
	ep.Opened, ep.Sessions = false, nil
	ep.FirstStart, ep.Queue, ep.Division, ep.Media, ep.MessageType = nil, nil, nil, nil, nil
	p := packer{&e.tableWriter}
	p.episode(ep)
	return e.rest(ep)
}

func (e *stateEncoder) session(s *Session) error {
	at := e.begin(tagSession)
	e.text(tagSessionID, &s.Id)
	if s.Kind != 0 {
		e.varint(tagSessionKind, uint64(s.Kind))
	}
	e.time(tagSessionStart, &s.StartedAtMs)
	e.time(tagSessionEnd, &s.EndedAtMs)
	e.text(tagSessionQueue, &s.QueueId)
	e.text(tagSessionUser, &s.UserId)
	s.Kind = 0
	err := e.rest(s)
	e.end(at)
	return err
}

func (e *stateEncoder) fact(f *Fact) error {
	e.text(tagFactValue, &f.Value)
	e.varint(tagFactAt, e.distance(f.AtMs))
	e.text(tagFactSession, &f.SessionId)
	f.AtMs = 0
	return e.rest(f)
}

func (e *stateEncoder) varint(tag, value uint64) {
	if value < 1<<7 {
		e.out = append(e.out, byte(tag), byte(value))
		return
	}
	e.out = protowire.AppendVarint(append(e.out, byte(tag)), value)
}

func (e *stateEncoder) text(tag uint64, text *string) {
	if *text != "" {
		e.varint(tag, uint64(e.ref(*text)))
		*text = ""
	}
}

func (e *stateEncoder) time(tag uint64, at **int64) {
	if *at != nil {
		e.varint(tag, e.distance(**at))
		*at = nil
	}
}

// begin opens a message; its length is written by end, which gets what begin
// returned.
func (e *stateEncoder) begin(tag uint64) int {
	e.out = append(e.out, byte(tag), 0)
	return len(e.out)
}

func (e *stateEncoder) end(begin int) {
	n := len(e.out) - begin
	if n < 1<<7 {
		e.out[begin-1] = byte(n)
		return
	}
	var length [10]byte
	e.out = slices.Replace(e.out, begin-1, begin, protowire.AppendVarint(length[:0], uint64(n))...)
}

// generated is what generated messages have.
type generated interface {
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
}

// rest writes what is left of a message.
func (e *stateEncoder) rest(m generated) error {
	n := m.SizeVT()
	if n == 0 {
		return nil
	}
	e.out = slices.Grow(e.out, n)[:len(e.out)+n]
	_, err := m.MarshalToSizedBufferVT(e.out[len(e.out)-n:])
	return err
}

func (e *stateEncoder) writeTable() {
	at := e.begin(tagTable)
	if len(e.ids) > 0 {
		e.out = protowire.AppendBytes(append(e.out, byte(tagIDs)), e.ids)
	}
	for _, word := range e.words {
		e.out = protowire.AppendString(append(e.out, byte(tagWord)), word)
	}
	e.varint(tagBefore, uint64(e.before))
	e.end(at)
}
