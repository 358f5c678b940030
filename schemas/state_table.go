package schemas

import (
	"encoding/binary"
	"unsafe"
)

// Kinds of references into a StateTable.
const (
	refUUID = iota
	refDigest
	refWord
	refKindBits = 2
)

// tableWriter makes the table of a state that is encoded.
type tableWriter struct {
	ids    []byte
	words  []string
	before int64
	heads  []uint64 // of the known ones
	known  []knownRef
}

type knownRef struct {
	text string
	ref  uint32
}

// head returns what tells most texts apart: the first eight bytes, or all of fewer.
func head(text string) uint64 {
	b := unsafe.Slice(unsafe.StringData(text), len(text))
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b)
	}
	h := uint64(0)
	for _, c := range b {
		h = h<<8 | uint64(c)
	}
	return h
}

// reset empties the table; times are counted from before.
func (w *tableWriter) reset(before int64) {
	w.ids, w.words, w.heads, w.known, w.before = w.ids[:0], w.words[:0], w.heads[:0], w.known[:0], before
}

// distance returns the short form of an instant.
func (w *tableWriter) distance(at int64) uint64 { return uint64(at - w.before) }

// ref returns the reference to text, which is added if it is new.
func (w *tableWriter) ref(text string) uint32 {
	if text == "" {
		return 0
	}
	h := head(text)
	for i, k := range w.heads {
		if k == h && w.known[i].text == text {
			return w.known[i].ref
		}
	}
	ref := w.add(text)
	w.heads, w.known = append(w.heads, h), append(w.known, knownRef{text, ref})
	return ref
}

func (w *tableWriter) add(text string) uint32 {
	reference := func(i int, kind uint32) uint32 { return uint32(i)<<refKindBits | kind + 1 }
	var id [idSize]byte
	n := len(w.ids) / idSize
	switch {
	case len(text) == uuidSize && parseUUID(&id, text):
		w.ids = append(w.ids, id[:]...)
		return reference(n, refUUID)
	case len(text) == digestSize && parseDigest(&id, text):
		w.ids = append(w.ids, id[:]...)
		return reference(n, refDigest)
	}
	w.words = append(w.words, text)
	return reference(len(w.words)-1, refWord)
}

// tableReader resolves the references of a stored state.
type tableReader struct {
	texts

	ids    []byte
	uuids  string // all ids as UUIDs, one behind the other
	words  string // all words, one behind the other
	ends   []int  // of the words
	before int64
	times  []int64 // memory of optional ones
	bad    bool    // something referred to nothing
}

// texts keeps the texts of states.
type texts struct {
	scratch []byte
	shared  bool   // with those of other states
	free    []byte // of what they share
}

// sharedTexts is how many bytes of texts share one allocation.
const sharedTexts = 32 << 10

func (t *texts) kept(text []byte) string {
	switch {
	case len(text) == 0:
		return ""
	case !t.shared || len(text) > sharedTexts/8:
		return string(text)
	case len(text) > len(t.free):
		t.free = make([]byte, sharedTexts)
	}
	n := copy(t.free, text)
	own := unsafe.String(unsafe.SliceData(t.free), n) // nobody writes there again
	t.free = t.free[n:]
	return own
}

// read takes the table of an encoded state. Its texts are put into one string.
func (r *tableReader) read(state []byte) error {
	text := r.scratch[:0]
	r.ids, r.ends, r.before = nil, r.ends[:0], 0
	w := wire{data: state}
	for w.more() {
		from := w.pos
		if tag := w.varint(); tag != tagTable {
			w.skip(tag, from)
			continue
		}
		table := w.message()
		text = r.fields(&table, text)
		w.join(table.err)
	}
	begin := len(text)
	for ids := r.ids; len(ids) >= idSize; ids = ids[idSize:] {
		text = appendUUID(text, ids[:idSize])
	}
	all := r.kept(text)
	r.scratch = text
	r.words, r.uuids, r.bad = all[:begin], all[begin:], len(r.ids)%idSize != 0
	return w.err
}

// fields reads a table and adds its words to text.
func (r *tableReader) fields(w *wire, text []byte) []byte {
	for w.more() {
		from := w.pos
		switch w.varint() {
		case tagIDs:
			r.ids = w.bytes()
		case tagWord:
			text = append(text, w.bytes()...)
			r.ends = append(r.ends, len(text))
		case tagBefore:
			r.before = int64(w.varint())
		default:
			w.field(from)
		}
	}
	return text
}

// text returns what a reference refers to; none, if it is 0, is what a plain field
// held.
func (r *tableReader) text(ref uint64, none string) string {
	if uint32(ref) == 0 {
		return none
	}
	ref = uint64(uint32(ref) - 1)
	i, kind := int(ref>>refKindBits), ref&(1<<refKindBits-1)
	switch {
	case kind == refUUID && i < len(r.uuids)/uuidSize:
		return r.uuids[i*uuidSize : (i+1)*uuidSize]
	case kind == refDigest && i < len(r.ids)/idSize:
		var digits [digestSize]byte
		formatDigits(&digits, r.ids[i*idSize:])
		return string(digits[:])
	case kind == refWord && i < len(r.ends):
		begin := 0
		if i > 0 {
			begin = r.ends[i-1]
		}
		return r.words[begin:r.ends[i]]
	}
	r.bad = true
	return ""
}

// time returns the instant at a distance; none, if it is 0, is what a plain field
// held.
func (r *tableReader) time(distance uint64, none int64) int64 {
	if distance == 0 {
		return none
	}
	return r.before + int64(distance)
}

// optional is time of a field that may be absent.
func (r *tableReader) optional(distance uint64, none *int64) *int64 {
	if distance == 0 {
		return none
	}
	return r.keep(r.before + int64(distance))
}

// keep returns a place that holds the instant.
func (r *tableReader) keep(at int64) *int64 {
	r.times = append(r.times, at)
	return &r.times[len(r.times)-1]
}
