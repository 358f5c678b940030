package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"
)

const (
	chunkSize  = 256 << 10
	entryAlign = 8
	headerSize = 12 // lengths of key, room for the value, value
	deleted    = math.MaxUint32
)

// table is a hash map of keys to values, or to the fact that the key is gone. All
// of it lies in a few large chunks without pointers, so that the garbage
// collector has nothing to look at, however many entries there are.
type table struct {
	slots  []uint64 // the hash's upper half, and where the entry is, plus one
	n      int
	chunks [][]byte
	used   int // of the last chunk
	spare  [][]byte
	order  *order // nil: nobody has scanned
}

// place says where an entry lies: chunk and offset in units of entryAlign.
type place uint32

const placeBits = 15 // chunkSize / entryAlign

func newTable() *table { return &table{} }

var seed = maphash.MakeSeed()

// hash is that of key in every table.
func hash(key []byte) uint64 { return maphash.Bytes(seed, key) }

// put sets the value of key; nil: it is gone.
func (t *table) put(key, value []byte) {
	if 4*(t.n+1) > 3*len(t.slots) {
		t.grow()
	}
	h := hash(key)
	i, at, ok := t.find(h, key)
	if ok && t.overwrite(at, value) {
		return
	}
	at = t.add(key, value)
	t.slots[i] = h>>32<<32 | uint64(at) + 1
	if ok {
		return
	}
	if t.n++; t.order != nil {
		t.order.fresh = append(t.order.fresh, at)
	}
}

// get returns the value of key, whose hash is h, nil if it is known to be gone; ok is
// false if nothing is known. The value is valid until the next put or reset.
func (t *table) get(h uint64, key []byte) (value []byte, ok bool) {
	if t.n == 0 {
		return nil, false
	}
	_, at, ok := t.find(h, key)
	if !ok {
		return nil, false
	}
	return t.value(at), true
}

// find returns the slot of key, or the free one where it belongs.
func (t *table) find(h uint64, key []byte) (slot int, at place, ok bool) {
	mask := uint64(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s == 0 {
			return int(i), 0, false
		}
		if s>>32 == h>>32 && bytes.Equal(t.key(slotPlace(s)), key) {
			return int(i), slotPlace(s), true
		}
	}
}

func slotPlace(slot uint64) place { return place(uint32(slot) - 1) }

func (t *table) grow() {
	old := t.slots
	t.slots = make([]uint64, max(64, 2*len(old)))
	mask := uint64(len(t.slots) - 1)
	for _, s := range old {
		if s == 0 {
			continue
		}
		i := hash(t.key(slotPlace(s))) & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// add appends an entry, with room for a value that grows a little.
func (t *table) add(key, value []byte) place {
	room := len(value) + len(value)/4
	size := headerSize + len(key) + room
	size += -size & (entryAlign - 1)
	if len(t.chunks) == 0 || t.used+size > len(t.chunks[len(t.chunks)-1]) {
		t.addChunk(size)
	}
	last := len(t.chunks) - 1
	e := t.chunks[last][t.used:]
	at := place(last<<placeBits | t.used/entryAlign)
	t.used += size
	binary.LittleEndian.PutUint32(e, uint32(len(key)))
	binary.LittleEndian.PutUint32(e[4:], uint32(room))
	copy(e[headerSize:], key)
	setValue(e, len(key), value)
	return at
}

func (t *table) addChunk(size int) {
	t.used = 0
	if n := len(t.spare); n > 0 && size <= chunkSize {
		t.chunks, t.spare = append(t.chunks, t.spare[n-1]), t.spare[:n-1]
		return
	}
	t.chunks = append(t.chunks, make([]byte, max(size, chunkSize)))
}

func setValue(e []byte, keySize int, value []byte) {
	n := uint32(len(value))
	if value == nil {
		n = deleted
	}
	binary.LittleEndian.PutUint32(e[8:], n)
	copy(e[headerSize+keySize:], value)
}

// overwrite puts the value in the place of the old one, if there is room.
func (t *table) overwrite(at place, value []byte) bool {
	e := t.entry(at)
	if uint32(len(value)) > binary.LittleEndian.Uint32(e[4:]) {
		return false
	}
	setValue(e, int(binary.LittleEndian.Uint32(e)), value)
	return true
}

func (t *table) entry(at place) []byte {
	return t.chunks[at>>placeBits][int(at&(1<<placeBits-1))*entryAlign:]
}

func (t *table) key(at place) []byte {
	e := t.entry(at)
	return e[headerSize:][:binary.LittleEndian.Uint32(e)]
}

func (t *table) value(at place) []byte {
	e := t.entry(at)
	n := binary.LittleEndian.Uint32(e[8:])
	if n == deleted {
		return nil
	}
	from := headerSize + binary.LittleEndian.Uint32(e)
	return e[from : from+n : from+n]
}

// all calls fn with every entry, in no order.
func (t *table) all(fn func(at place)) {
	for _, s := range t.slots {
		if s != 0 {
			fn(slotPlace(s))
		}
	}
}

// size is the memory that the entries take.
func (t *table) size() int { return len(t.chunks)*chunkSize + 8*len(t.slots) }

// reset empties the table and keeps its memory.
func (t *table) reset() {
	for _, c := range t.chunks {
		if len(c) == chunkSize {
			t.spare = append(t.spare, c)
		}
	}
	clear(t.slots)
	t.n, t.used, t.chunks, t.order = 0, 0, t.chunks[:0], nil
}

// sortable is an entry with eight bytes of its key, those that tell it from its
// neighbours.
type sortable struct {
	part uint64
	at   place
}

// sorted returns all entries in the order of their keys.
func (t *table) sorted() []sortable {
	s := make([]sortable, 0, t.n)
	t.all(func(at place) { s = append(s, sortable{at: at}) })
	t.sort(s, 0)
	return s
}

// sort sorts entries whose keys agree in their first depth bytes. Keys are long
// and mostly begin alike, so what differs is compared as a number, eight bytes at
// a time, behind what all of them have in common.
func (t *table) sort(s []sortable, depth int) {
	if len(s) < 2 {
		return
	}
	depth += t.common(s, depth)
	for i := range s {
		s[i].part = part(t.key(s[i].at)[depth:])
	}
	slices.SortFunc(s, func(a, b sortable) int {
		if c := cmp.Compare(a.part, b.part); c != 0 {
			return c
		}
		// Equal parts also come of keys that end here: zeros fill up.
		return cmp.Compare(min(8, len(t.key(a.at))-depth), min(8, len(t.key(b.at))-depth))
	})
	for i := 0; i < len(s); {
		j := i + 1
		for j < len(s) && s[j].part == s[i].part {
			j++
		}
		for i < j && len(t.key(s[i].at)) < depth+8 {
			i++ // these end within the part and are in order
		}
		t.sort(s[i:j], depth+8)
		i = j
	}
}

// common returns how many bytes behind depth all keys have in common.
func (t *table) common(s []sortable, depth int) int {
	first := t.key(s[0].at)[depth:]
	n := len(first)
	for _, e := range s[1:] {
		k := t.key(e.at)[depth:]
		n = min(n, len(k))
		for i := range n {
			if k[i] != first[i] {
				n = i
				break
			}
		}
	}
	return n
}

func part(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var p [8]byte
	copy(p[:], b)
	return binary.BigEndian.Uint64(p[:])
}
