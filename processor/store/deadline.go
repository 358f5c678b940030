package store

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/tidwall/btree"
)

// Deadline is an entry of the deadline index: Key is to be looked at at the
// instant At, epoch milliseconds. Entries are ordered by At, then Key. With an
// empty Key it stands before all entries of that instant.
type Deadline struct {
	At  int64
	Key string
}

// Deadlines walks through the deadline index in order: that of Pebble, and those
// of the layers above it.
type Deadlines struct {
	p      *Partition
	it     *pebble.Iterator
	layers []layerWalk // the newest first
	head   Deadline
	ok     bool
}

// layerWalk walks through the entries of one layer.
type layerWalk struct {
	l  *layer
	it btree.IterG[Deadline]
	ok bool
}

// Deadlines returns the entries behind the given one, as they are now; nothing
// may change until it is closed. It never walks over what is before it, where the
// handled entries have left their tombstones.
func (p *Partition) Deadlines(behind Deadline) (*Deadlines, error) {
	it, err := p.s.db.NewIter(&pebble.IterOptions{LowerBound: behindKey(p.id, behind), UpperBound: spaceEnd(p.id, deadlineSpace)})
	if err != nil {
		return nil, fmt.Errorf("scan deadlines of partition %d: %w", p.id, err)
	}
	it.First()
	d := &Deadlines{p: p, it: it}
	for _, l := range []*layer{p.dirty, p.prev} {
		if l != nil {
			d.layers = append(d.layers, walkLayer(l, behind))
		}
	}
	d.find()
	return d, nil
}

func walkLayer(l *layer, behind Deadline) layerWalk {
	w := layerWalk{l: l, it: l.due.Iter()}
	w.ok = w.it.Seek(behind)
	if w.ok && len(behind.Key) > 0 && !behind.less(w.it.Item()) {
		w.ok = w.it.Next()
	}
	return w
}

// Head returns the entry that comes next; ok is false at the end, and after an
// error, which Close returns.
func (d *Deadlines) Head() (head Deadline, ok bool) { return d.head, d.ok }

// Advance goes on to the entry behind the head.
func (d *Deadlines) Advance() {
	d.skip(d.head)
	d.find()
}

// find sets the head to the first entry that is there.
func (d *Deadlines) find() {
	for {
		if d.first(); !d.ok || !d.gone() {
			return
		}
		d.skip(d.head)
	}
}

// first sets the head to the first entry of any source.
func (d *Deadlines) first() {
	if d.ok = d.it.Valid(); d.ok {
		k := d.it.Key()[prefixSize:]
		d.head = Deadline{At: decodeDue(k[:dueSize]), Key: string(k[dueSize:])}
	}
	for i := range d.layers {
		if w := &d.layers[i]; w.ok && (!d.ok || w.it.Item().less(d.head)) {
			d.head, d.ok = w.it.Item(), true
		}
	}
}

// gone reports whether the newest layer that knows the head has dropped it.
func (d *Deadlines) gone() bool {
	for i := range d.layers {
		w := &d.layers[i]
		if w.ok && !d.head.less(w.it.Item()) {
			return false
		}
		if _, dropped := w.l.dropped.Get(d.head); dropped {
			return true
		}
	}
	return false
}

// skip moves every source that stands at e.
func (d *Deadlines) skip(e Deadline) {
	for i := range d.layers {
		if w := &d.layers[i]; w.ok && !e.less(w.it.Item()) {
			w.ok = w.it.Next()
		}
	}
	if d.it.Valid() {
		if k := d.it.Key()[prefixSize:]; decodeDue(k[:dueSize]) == e.At && string(k[dueSize:]) == e.Key {
			d.it.Next()
		}
	}
}

// Close ends the walk and returns the error it met.
func (d *Deadlines) Close() error {
	if err := d.it.Close(); err != nil {
		return fmt.Errorf("scan deadlines of partition %d: %w", d.p.id, err)
	}
	return nil
}
