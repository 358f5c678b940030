package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidwall/btree"
)

// layer is what was committed to a partition within some time: newer than what
// lies under it, a layer or Pebble.
type layer struct {
	states  *table
	due     *btree.BTreeG[Deadline] // entries added to the deadline index
	dropped *btree.BTreeG[Deadline] // entries under this layer that are gone
	handled *Deadline               // entries up to this one are gone as well
	pos     *Position               // nil: nothing was committed
	since   time.Time               // of the first commit
}

func newLayer() *layer {
	return &layer{states: newTable(), due: newDue(), dropped: newDue()}
}

func newDue() *btree.BTreeG[Deadline] {
	return btree.NewBTreeGOptions(Deadline.less, btree.Options{NoLocks: true})
}

func (d Deadline) less(o Deadline) bool { return d.compare(o) < 0 }

func (d Deadline) compare(o Deadline) int {
	if c := cmp.Compare(d.At, o.At); c != 0 {
		return c
	}
	return cmp.Compare(d.Key, o.Key)
}

// reset empties the layer and keeps its memory.
func (l *layer) reset() {
	l.states.reset()
	l.due.Clear()
	l.dropped.Clear()
	l.handled, l.pos, l.since = nil, nil, time.Time{}
}

func (l *layer) putDeadline(d Deadline) {
	l.dropped.Delete(d)
	l.due.Set(d)
}

func (l *layer) dropDeadline(d Deadline) {
	if _, here := l.due.Delete(d); !here {
		l.dropped.Set(d)
	}
}

// handledUpTo drops all entries up to and including d.
func (l *layer) handledUpTo(d Deadline) {
	for _, index := range []*btree.BTreeG[Deadline]{l.due, l.dropped} {
		for first, ok := index.Min(); ok && !d.less(first); first, ok = index.Min() {
			index.PopMin()
		}
	}
	l.handled = &d
}

// size is the memory that the layer takes, roughly.
func (l *layer) size() int {
	const perDeadline = 128
	return l.states.size() + perDeadline*(l.due.Len()+l.dropped.Len())
}

// indexBy adds the deadline of every state, as index tells it; nil: they were
// added one by one.
func (l *layer) indexBy(index func(key, value []byte) (at int64, ok bool, err error)) error {
	if index == nil {
		return nil
	}
	var (
		failed error
		all    []Deadline
	)
	l.states.all(func(at place) {
		key, value := l.states.key(at), l.states.value(at)
		if value == nil || failed != nil {
			return
		}
		due, ok, err := index(key, value)
		if failed = err; ok && err == nil {
			all = append(all, Deadline{At: due, Key: string(key)})
		}
	})
	// In order they go to the end of the tree, which costs a fraction.
	slices.SortFunc(all, Deadline.compare)
	for _, d := range all {
		l.due.Load(d)
	}
	return failed
}
