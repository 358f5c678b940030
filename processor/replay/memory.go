package replay

import (
	"bytes"
	"cmp"
	"slices"
)

// memory is the state of a shard, encoded, and its deadline index: what a store is
// to a Driver, without what only a log needs. A conversation that is forgotten
// leaves nothing behind, so that memory follows what is open and not the length of
// the history.
type memory struct {
	slots map[string]*slot
	// newest is the slot that was found last: a step looks for its own several times.
	newest *slot
	// index is a heap in the order of entry.compare. An entry holds as long as its
	// slot says the same instant; commit sees to it that not too many do not.
	index []entry
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

// entry is one of the deadline index.
type entry struct {
	at int64
	of *slot
}

func (e entry) compare(o entry) int {
	if e.at != o.at {
		return cmp.Compare(e.at, o.at)
	}
	return cmp.Compare(e.of.key, o.of.key)
}

// undo is one change, to be taken back.
type undo struct {
	of    *slot
	value []byte
	due   int64
}

func newMemory() memory { return memory{slots: make(map[string]*slot)} }

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

// slot returns the slot of a key, made if there is none.
func (m *memory) slot(key []byte) *slot {
	s := m.find(key)
	if s == nil {
		s = &slot{key: string(key), due: noDue}
		m.slots[s.key], m.newest = s, s
	}
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
		m.push(entry{at, s})
	}
}

// first returns the first entry of the index that holds.
func (m *memory) first() (e entry, ok bool) {
	for len(m.index) > 0 {
		if e = m.index[0]; e.of.due == e.at {
			return e, true
		}
		m.pop()
	}
	return entry{}, false
}

// take removes e, the first entry.
func (m *memory) take(e entry) {
	m.undo = append(m.undo, undo{of: e.of, value: e.of.value, due: e.at})
	e.of.due, m.newest = noDue, e.of
	m.pop()
}

// arity is how many entries of the heap stand below each: wide is shallow.
const arity = 4

func (m *memory) push(e entry) {
	m.index = append(m.index, e)
	i := len(m.index) - 1
	for i > 0 {
		above := (i - 1) / arity
		if m.index[above].compare(e) <= 0 {
			break
		}
		m.index[i] = m.index[above]
		i = above
	}
	m.index[i] = e
}

func (m *memory) pop() {
	n := len(m.index) - 1
	last := m.index[n]
	m.index[n] = entry{}
	if m.index = m.index[:n]; n == 0 {
		return
	}
	i := 0
	for {
		least := arity*i + 1
		if least >= n {
			break
		}
		for j := least + 1; j < min(least+arity, n); j++ {
			if m.index[j].compare(m.index[least]) < 0 {
				least = j
			}
		}
		if m.index[least].compare(last) >= 0 {
			break
		}
		m.index[i] = m.index[least]
		i = least
	}
	m.index[i] = last
}

// commit makes the changes last and lets go of what is no more.
func (m *memory) commit() {
	for i := range m.undo {
		if s := m.undo[i].of; s.value == nil && s.due == noDue && m.slots[s.key] == s {
			delete(m.slots, s.key)
		}
	}
	m.end()
	if len(m.index) > 2*len(m.slots)+fewEntries {
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
	m.undo, m.newest = m.undo[:0], nil
}

// rebuild makes the index anew of the entries that hold.
func (m *memory) rebuild() {
	clear(m.index)
	m.index = m.index[:0]
	for _, s := range m.slots {
		if s.due != noDue {
			m.push(entry{s.due, s})
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
