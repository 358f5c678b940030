package eventbridge

import (
	"strings"
	"time"

	"unpark/schemas"
)

// slotsAtOnce is for how many events a Decoder takes memory at a time, textsAtOnce
// how many bytes for their strings.
const (
	slotsAtOnce = 64
	textsAtOnce = 8 << 10
)

// Decoder is Decode for many envelopes. It reads an event that looks as
// EventBridge writes them in one pass, and leaves all others to decode, so that
// there is one place that knows what is wrong with an envelope. Not for concurrent
// use.
type Decoder struct {
	keep  Keeper
	slots []slot          // for the next events
	texts strings.Builder // of the strings of the last events and the next
	// source is that of the newest envelope, org what it names, and the others what
	// keep said of it.
	source, org string
	attributes  []string
	known       bool
	keys        *keyring // nil: for one envelope
	day         day
}

// slot is the memory of one event.
type slot struct {
	input schemas.InputRecord
	kind  schemas.InputRecord_Event
	event schemas.ConversationEvent
}

// NewDecoder returns a decoder that asks keep for the orgs of the envelopes, of
// which it may remember the answer.
func NewDecoder(keep Keeper) *Decoder {
	d := &Decoder{keep: keep, keys: newKeyring()}
	d.texts.Grow(textsAtOnce) // and as much again whenever that is full
	return d
}

// Events is memory of decoded events, to be used again when they are not needed any
// more.
type Events struct{ slots []slot }

// NewEvents returns memory for n events.
func NewEvents(n int) *Events { return &Events{make([]slot, n)} }

// Use has the decoder take memory of e for its next events, instead of memory of its
// own. What was decoded into it before must not be used any more.
func (d *Decoder) Use(e *Events) { d.slots = e.slots }

// Decode is Decode.
func (d *Decoder) Decode(raw []byte) (Decoded, error) {
	if decoded, ok := d.onePass(raw); ok {
		return decoded, nil
	}
	return decode(raw, d.keep)
}

// onePass decodes an event; ok is false if anything is unusual. It takes nothing
// that decode refuses, and reads no field in another way.
func (d *Decoder) onePass(raw []byte) (out Decoded, ok bool) {
	if len(raw) > MaxEnvelope {
		return out, false
	}
	var id, taken, detailType, source []byte
	var body fields
	s := scanner{b: raw}
	if d.keys != nil {
		s.keys, s.last = d.keys, &d.keys.begin
	}
	for key, ok := s.object(); ok; key, ok = s.key() {
		switch string(key) {
		case "id":
			id = s.str()
		case "time":
			taken = s.str()
		case "detail-type", "source":
			if body.topic != 0 {
				return out, false // what was read depends on it
			}
			if value := s.str(); string(key) == "source" {
				source = value
			} else {
				detailType = value
			}
		case "detail":
			topic, isEvent := topicOf(detailType)
			if !isEvent || body.topic != 0 || !d.readSource(source) {
				return out, false
			}
			out.Org, out.OrgKnown = d.org, d.known
			body.topic = topic
			if !body.readFrom(&s, d.attributes) {
				return out, false
			}
		default:
			s.skip()
		}
	}
	if s.end(); s.err != nil || s.mistyped || s.zero || !body.usable(id) || !d.timely(body.eventTime, taken) {
		return out, false
	}
	if len(d.slots) == 0 {
		d.slots = make([]slot, slotsAtOnce)
	}
	d.slots[0].give(&out, &body, id, &d.texts)
	d.slots = d.slots[1:]
	return out, true
}

// give makes the slot's memory the event.
func (m *slot) give(out *Decoded, body *fields, envelopeID []byte, texts *strings.Builder) {
	body.fill(&m.event, out.Org, envelopeID, texts)
	m.kind.Event = &m.event
	m.input.Kind = &m.kind
	out.Input, out.Conversation, out.EventTime = &m.input, m.event.ConversationId, body.eventTime
}

// readFrom reads the eventBody of a detail; false if it has none, or two.
func (f *fields) readFrom(s *scanner, attributes []string) (ok bool) {
	for key, more := s.object(); more; key, more = s.key() {
		if string(key) != "eventBody" {
			s.skip()
			continue
		}
		if ok || s.peek() != '{' {
			return false
		}
		f.read(s, attributes)
		ok = true
	}
	return ok
}

// readSource sees to it that d.org is the org of source, and what keep says of it
// is known.
func (d *Decoder) readSource(source []byte) bool {
	if string(source) == d.source && d.org != "" {
		return true
	}
	org, err := orgOf(string(source))
	if err != nil || checkIDs(id{"org id", org, true}) != nil {
		return false
	}
	d.source, d.org = string(source), org
	d.attributes, d.known = d.keep(org)
	return true
}

// usable reports whether the event has the ids that it needs, and none that is
// refused for its length.
func (f *fields) usable(envelopeID []byte) bool {
	if f.topic == 0 || len(f.conversation) == 0 || hasSession(f.topic) && len(f.session) == 0 {
		return false
	}
	for _, id := range [...][]byte{f.conversation, f.participant, f.session, f.queue, f.user, f.division, envelopeID} {
		if len(id) > maxID {
			return false
		}
	}
	return true
}

// timely reports whether checkTimes has nothing against an event, for an envelope's
// time in its usual form.
func (d *Decoder) timely(eventTime int64, envelopeTime []byte) bool {
	if len(envelopeTime) == 0 {
		return Plausible(eventTime)
	}
	taken, ok := d.day.read(envelopeTime)
	return ok && Plausible(eventTime) && eventTime <= taken+maxAhead.Milliseconds()
}

// day is one of the calendar: most envelopes are of the same as the one before.
type day struct {
	written string // with the T behind it
	ms      int64  // its begin
}

// read reads an instant of RFC 3339.
func (d *day) read(text []byte) (ms int64, ok bool) {
	const date = len("2006-01-02T")
	usual := len(text) == len("2006-01-02T15:04:05Z") && text[len(text)-1] == 'Z'
	if usual && string(text[:date]) == d.written {
		if ms, ok := timeOfDay([8]byte(text[date:])); ok {
			return d.ms + ms, true
		}
	}
	var at time.Time
	if at.UnmarshalText(text) != nil {
		return 0, false
	}
	if usual {
		d.written, d.ms = string(text[:date]), at.Truncate(24*time.Hour).UnixMilli()
	}
	return at.UnixMilli(), true
}

// timeOfDay reads hours, minutes and seconds.
func timeOfDay(text [8]byte) (ms int64, ok bool) {
	number := func(i int) int64 { return 10*int64(text[i]-'0') + int64(text[i+1]-'0') }
	h, m, s := number(0), number(3), number(6)
	for _, i := range [...]int{0, 1, 3, 4, 6, 7} {
		ok = digit(text[i])
		if !ok {
			return 0, false
		}
	}
	ok = text[2] == ':' && text[5] == ':' && h < 24 && m < 60 && s < 60
	return ((h*60+m)*60 + s) * 1000, ok
}
