package stream

import (
	"bytes"
	"slices"
	"unsafe"
)

// Change is one record for the changelog: the key's new value, or nil if it is
// gone.
type Change struct {
	Key, Value []byte
}

// tx is the Tx of a Task: the changes of the running transaction above the
// committed state.
type tx struct {
	t       *Task
	changes []Change
	index   map[string]int // into changes

	values    values
	outputs   []Output
	oversized bool // something was written that no topic would take
}

// values is the memory of the values of a transaction.
type values struct {
	chunks [][]byte
	used   int // chunks
	free   []byte
}

const (
	valueChunk = 64 << 10
	// keptChunks is how much memory is kept for the next transaction: 4 MB.
	keptChunks = 64
)

// keep returns a copy of value, with room to grow a little. It is not nil.
func (v *values) keep(value []byte) []byte {
	switch {
	case len(value) == 0:
		return []byte{}
	case len(value) > valueChunk/8:
		return bytes.Clone(value)
	case len(value) > len(v.free):
		if v.used == len(v.chunks) {
			v.chunks = append(v.chunks, make([]byte, valueChunk))
		}
		v.free, v.used = v.chunks[v.used], v.used+1
	}
	room := min(len(value)+len(value)/4, len(v.free))
	kept := v.free[:copy(v.free, value):room]
	v.free = v.free[room:]
	return kept
}

// reset takes all values back.
func (v *values) reset() {
	if len(v.chunks) > keptChunks {
		clear(v.chunks[keptChunks:])
		v.chunks = v.chunks[:keptChunks]
	}
	v.used, v.free = 0, nil
}

func newTx(t *Task) *tx { return &tx{t: t, index: make(map[string]int)} }

// reset forgets everything. Whoever was given the outputs keeps them, and the keys
// of the changes.
func (x *tx) reset() {
	clear(x.changes)
	x.changes, x.outputs, x.oversized = x.changes[:0], nil, false
	clear(x.index)
	x.values.reset()
}

func (x *tx) Now() int64 { return x.t.cur.now }

func (x *tx) Ticked() int64 { return x.t.cur.ticked }

func (x *tx) Get(key []byte) ([]byte, error) {
	if i, ok := x.index[string(key)]; ok {
		return x.changes[i].Value, nil
	}
	return x.t.cfg.Store.Get(key)
}

func (x *tx) Put(key, value []byte) error {
	if i, ok := x.index[string(key)]; ok && value != nil && cap(x.changes[i].Value) >= len(value) {
		x.changes[i].Value = append(x.changes[i].Value[:0], value...) // nobody has it yet
	} else {
		x.change(key, x.values.keep(value))
	}
	x.oversized = x.oversized || len(key)+len(value) > x.t.cfg.MaxRecordBytes
	return nil
}

func (x *tx) Delete(key []byte) error {
	x.change(key, nil)
	return nil
}

func (x *tx) change(key, value []byte) {
	if i, ok := x.index[string(key)]; ok {
		x.changes[i].Value = value
		return
	}
	x.index[text(key)] = len(x.changes)
	x.changes = append(x.changes, Change{Key: key, Value: value})
}

// text is a key that is the Tx's, so that nobody alters it, without a copy.
func text(key []byte) string { return unsafe.String(unsafe.SliceData(key), len(key)) }

func (x *tx) Emit(o Output) {
	x.outputs = append(x.outputs, o)
	x.oversized = x.oversized || outputSize(o) > x.t.cfg.MaxRecordBytes
}

func outputSize(o Output) int {
	n := len(o.Key) + len(o.Value)
	for _, h := range o.Headers {
		n += len(h.Key) + len(h.Value) + 10
	}
	return n
}

func (x *tx) SetDeadline(key []byte, at int64) (int64, error) {
	e := behind(entry{at, text(key)}, x.t.cur.watermark)
	x.t.deadline.insert(e)
	x.t.next.lower(e.at)
	return e.at, nil
}

func (x *tx) DropDeadline(key []byte, at int64) {
	x.t.deadline.drop(entry{at, text(key)})
}

// Scan merges the committed keys with those of the transaction.
func (x *tx) Scan(prefix, from []byte, limit int) ([][]byte, error) {
	var keys [][]byte
	for _, c := range x.changes {
		if c.Value != nil && bytes.HasPrefix(c.Key, prefix) && bytes.Compare(c.Key, from) >= 0 {
			keys = append(keys, c.Key)
		}
	}
	n := 0
	err := x.t.cfg.Store.Scan(prefix, from, func(key, _ []byte) bool {
		if n == limit {
			return false
		}
		if _, changed := x.index[string(key)]; !changed {
			keys = append(keys, bytes.Clone(key))
			n++
		}
		return true
	})
	slices.SortFunc(keys, bytes.Compare)
	return keys[:min(limit, len(keys))], err
}
