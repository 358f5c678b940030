package schemas

import "encoding/hex"

// Kinds of references into a StateTable.
const (
	refUUID = iota
	refDigest
	refWord
	refKindBits = 2
)

const (
	idSize     = 16
	uuidSize   = 36
	digestSize = 2 * idSize
)

// tableWriter fills the table of a state that is packed.
type tableWriter struct {
	table *StateTable
	known []knownRef
}

type knownRef struct {
	text string
	ref  uint32
}

// ref returns the reference to text, which is added if it is new.
func (w *tableWriter) ref(text string) uint32 {
	if text == "" {
		return 0
	}
	for i := range w.known {
		if w.known[i].text == text {
			return w.known[i].ref
		}
	}
	ref := w.add(text)
	w.known = append(w.known, knownRef{text, ref})
	return ref
}

func (w *tableWriter) add(text string) uint32 {
	reference := func(i int, kind uint32) uint32 { return uint32(i)<<refKindBits | kind + 1 }
	var id [idSize]byte
	n := len(w.table.Ids) / idSize
	switch {
	case len(text) == uuidSize && parseUUID(&id, text):
		w.table.Ids = append(w.table.Ids, id[:]...)
		return reference(n, refUUID)
	case len(text) == digestSize && parseHex(id[:], text):
		w.table.Ids = append(w.table.Ids, id[:]...)
		return reference(n, refDigest)
	}
	w.table.Words = append(w.table.Words, text)
	return reference(len(w.table.Words)-1, refWord)
}

// nibbles are the values of lower-case hexadecimal digits, 0xff of other bytes.
var nibbles [256]byte

func init() {
	for i := range nibbles {
		nibbles[i] = 0xff
	}
	for i, c := range []byte(hexDigits) {
		nibbles[c] = byte(i)
	}
}

const hexDigits = "0123456789abcdef"

// groups are the places of a UUID's hexadecimal groups and of their bytes.
var groups = [...]struct{ text, bytes, size int }{{0, 0, 4}, {9, 4, 2}, {14, 6, 2}, {19, 8, 2}, {24, 10, 6}}

func parseUUID(id *[idSize]byte, text string) bool {
	if text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return false
	}
	for _, g := range groups {
		if !parseHex(id[g.bytes:g.bytes+g.size], text[g.text:g.text+2*g.size]) {
			return false
		}
	}
	return true
}

// parseHex fills dst from lower-case digits, twice as many.
func parseHex(dst []byte, text string) bool {
	bad := byte(0)
	for i := range dst {
		high, low := nibbles[text[2*i]], nibbles[text[2*i+1]]
		bad |= high | low
		dst[i] = high<<4 | low
	}
	return bad < 1<<4
}

func appendUUID(dst, id []byte) []byte {
	for i, g := range groups {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, id[g.bytes:g.bytes+g.size])
	}
	return dst
}

// tableReader resolves the references of a stored state.
type tableReader struct {
	table *StateTable
	uuids string // all ids as UUIDs, one behind the other
	times []int64
	bad   bool // something referred to nothing
}

func newTableReader(t *StateTable) tableReader {
	n := len(t.Ids) / idSize
	text := make([]byte, 0, 512)
	for i := range n {
		text = appendUUID(text, t.Ids[i*idSize:(i+1)*idSize])
	}
	return tableReader{table: t, uuids: string(text), bad: len(t.Ids)%idSize != 0}
}

// text returns what ref refers to; none, if it is 0, is what a plain field held.
func (r *tableReader) text(ref uint32, none string) string {
	if ref == 0 {
		return none
	}
	ref--
	i, kind := int(ref>>refKindBits), ref&(1<<refKindBits-1)
	switch {
	case kind == refUUID && i < len(r.uuids)/uuidSize:
		return r.uuids[i*uuidSize : (i+1)*uuidSize]
	case kind == refDigest && i < len(r.table.Ids)/idSize:
		return hex.EncodeToString(r.table.Ids[i*idSize : (i+1)*idSize])
	case kind == refWord && i < len(r.table.Words):
		return r.table.Words[i]
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
	return r.table.BeforeMs + int64(distance)
}

// optional is time of a field that may be absent.
func (r *tableReader) optional(distance uint64, none *int64) *int64 {
	if distance == 0 {
		return none
	}
	r.times = append(r.times, r.table.BeforeMs+int64(distance))
	return &r.times[len(r.times)-1]
}
