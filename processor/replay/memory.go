package replay

import (
	"bytes"
	"slices"
	"unsafe"
)

// memory is the state of a shard, encoded, and its deadline index: what a store is
// to a Driver, without what only a log needs. A conversation that is forgotten
// leaves nothing behind, so that memory follows what is open and not the length of
// the history.
type memory struct {
	slots map[string]*slot
	// newest is the slot that was found last: a step looks for its own several times.
	newest *slot
	// recent finds slots by where their keys lie: whoever writes to a state does it
	// with a key that stays as it is until the transaction ends (stream.Tx).
	recent [1 << recentBits]recentSlot
	// index has what falls due. commit sees to it that not too many of its entries do
	// not hold.
	index deadlines
	// undo is how to go back to the last commit, newest last.
	undo []undo
}

// slot is what is known of one key.
type slot struct {
	key   string
	value []byte // nil: none
	due   int64  // where its entry in the index stands; noDue: it has none
}

const noDue = -1

// recentSlot is a slot with its key as the handler has it.
type recentSlot struct {
	key *byte
	of  *slot
}

// recentBits is how many bits of the address of a key are looked at.
const recentBits = 15

// undo is one change, to be taken back.
type undo struct {
	of    *slot
	value []byte
	due   int64
}

func newMemory() *memory { return &memory{slots: make(map[string]*slot)} }

// find returns the slot of a key, nil if there is none.
func (m *memory) find(key []byte) *slot {
	if s := m.newest; s != nil && s.key == string(key) {
		return s
	}
	s, ok := m.slots[string(key)]
	if ok {
		m.newest = s
	}
	return s
}

// slot returns the slot of a key that is the Tx's, made if there is none.
func (m *memory) slot(key []byte) *slot {
	at := unsafe.SliceData(key)
	r := &m.recent[uintptr(unsafe.Pointer(at))>>4%(1<<recentBits)]
	if r.of != nil && r.key == at && len(key) == len(r.of.key) {
		m.newest = r.of
		return r.of
	}
	s := m.find(key)
	if s == nil {
		s = &slot{key: string(key), due: noDue}
		m.slots[s.key], m.newest = s, s
	}
	r.key, r.of = at, s
	return s
}

func (m *memory) get(key []byte) []byte {
	if s := m.find(key); s != nil {
		return s.value
	}
	return nil
}

// put takes the value over.
func (m *memory) put(key, value []byte) {
	s := m.slot(key)
	m.undo = append(m.undo, undo{of: s, value: s.value, due: s.due})
	s.value = value
}

// setDue moves the slot's entry to at; noDue: it has none any more.
func (m *memory) setDue(s *slot, at int64) {
	m.undo = append(m.undo, undo{of: s, value: s.value, due: s.due})
	if s.due = at; at != noDue {
		m.index.add(entry{at, s})
	}
}

// take removes e, the first entry of the index.
func (m *memory) take(e entry) {
	m.undo = append(m.undo, undo{of: e.of, value: e.of.value, due: e.at})
	e.of.due, m.newest = noDue, e.of
	m.index.remove()
}

// commit makes the changes last and lets go of what is no more.
func (m *memory) commit() {
	for i := range m.undo {
		if s := m.undo[i].of; s.value == nil && s.due == noDue && m.slots[s.key] == s {
			delete(m.slots, s.key)
		}
	}
	m.end()
	if m.index.size > 2*len(m.slots)+fewEntries {
		m.rebuild()
	}
}

// fewEntries need not be looked through.
const fewEntries = 1000

// rollback goes back to the last commit.
func (m *memory) rollback() {
	for _, u := range slices.Backward(m.undo) {
		u.of.value, u.of.due = u.value, u.due
	}
	m.end()
	m.rebuild()
}

func (m *memory) end() {
	clear(m.undo)
	clear(m.recent[:])
	m.undo, m.newest = m.undo[:0], nil
}

// rebuild makes the index anew of the entries that hold.
func (m *memory) rebuild() {
	m.index.reset()
	for _, s := range m.slots {
		if s.due != noDue {
			m.index.add(entry{s.due, s})
		}
	}
}

// scan returns up to limit keys that begin with prefix and are >= from, in order.
func (m *memory) scan(prefix, from []byte, limit int) (keys [][]byte) {
	for key, s := range m.slots {
		if k := []byte(key); s.value != nil && bytes.HasPrefix(k, prefix) && bytes.Compare(k, from) >= 0 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, bytes.Compare)
	return keys[:min(limit, len(keys))]
}
