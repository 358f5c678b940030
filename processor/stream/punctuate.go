package stream

import (
	"cmp"

	"github.com/tidwall/btree"

	"unpark/processor/store"
)

// entry is one entry of the deadline index; ordered by instant, then key.
type entry struct {
	at  int64
	key string
}

func (e entry) compare(o entry) int {
	if c := cmp.Compare(e.at, o.at); c != 0 {
		return c
	}
	return cmp.Compare(e.key, o.key)
}

// behind returns e, or the first place behind the watermark where its key can
// stand: an entry before the watermark would never be seen.
func behind(e, watermark entry) entry {
	if e.compare(watermark) > 0 {
		return e
	}
	e.at = watermark.at
	if e.key <= watermark.key {
		e.at++
	}
	return e
}

// due is a remembered answer to "what falls due next"; the zero value: not
// known.
type due struct {
	known, any bool
	at         int64
}

func (d *due) lower(at int64) {
	if d.known && (!d.any || at < d.at) {
		d.any, d.at = true, at
	}
}

// deadlines is the deadline index as the running transaction sees it: the
// committed one, with the entries it has added and without those it has dropped.
// Handled ones lie behind the watermark, where nobody looks.
type deadlines struct {
	store   *store.Partition
	added   *btree.BTreeG[entry]
	dropped map[entry]struct{}
}

func newDeadlines(p *store.Partition) deadlines {
	less := func(a, b entry) bool { return a.compare(b) < 0 }
	return deadlines{store: p, added: btree.NewBTreeGOptions(less, btree.Options{NoLocks: true}), dropped: make(map[entry]struct{})}
}

func (d *deadlines) insert(e entry) {
	delete(d.dropped, e)
	d.added.Set(e)
}

func (d *deadlines) drop(e entry) {
	if _, here := d.added.Delete(e); !here {
		d.dropped[e] = struct{}{}
	}
}

func (d *deadlines) rollback() {
	d.added.Clear()
	clear(d.dropped)
}

// head returns the first entry of both the walk and the added ones.
func (d *deadlines) head(walk *store.Deadlines) (e entry, ok bool) {
	e, ok = d.committedHead(walk)
	if first, some := d.added.Min(); some && (!ok || first.compare(e) < 0) {
		return first, true
	}
	return e, ok
}

func (d *deadlines) committedHead(walk *store.Deadlines) (entry, bool) {
	for {
		h, ok := walk.Head()
		if !ok {
			return entry{}, false
		}
		e := entry{h.At, h.Key}
		if _, gone := d.dropped[e]; !gone {
			return e, true
		}
		walk.Advance()
	}
}

// take removes the head, which is e. The watermark is to move to it.
func (d *deadlines) take(walk *store.Deadlines, e entry) {
	if c, ok := d.committedHead(walk); ok && c == e {
		walk.Advance()
	}
	d.added.Delete(e)
}

// write passes the transaction's changes on to the store.
func (d *deadlines) write(watermark entry) {
	d.store.HandledDeadlines(watermark.deadline())
	for e := range d.dropped {
		d.store.DropDeadline(e.deadline())
	}
	d.added.Scan(func(e entry) bool {
		d.store.PutDeadline(e.deadline())
		return true
	})
}

func (e entry) deadline() store.Deadline { return store.Deadline{At: e.at, Key: e.key} }

// punctuate handles the entries that are due at now, in order: all of them, or
// as many as give limit current ones (0: no limit). left reports whether some
// remain. Stale entries must not change what is decided, since a restored index
// does not have them; so the scan counts as cut off once limit current ones were
// handled, whatever follows. A scan that was not cut off leaves the watermark
// before the entries of now, and those it has handled fire once more, stale. Kept
// on the last of them, a late deadline of that instant would be set to it or to the
// next, depending on stale entries and on who else lies in the partition.
func (t *Task) punctuate(limit int) (left bool, err error) {
	if t.next.known && (!t.next.any || t.next.at > t.cur.now) {
		t.cur.watermark = entry{at: t.cur.now} // nothing is due: no need to look
		return false, nil
	}
	walk, err := t.cfg.Store.Deadlines(t.cur.watermark.deadline())
	if err != nil {
		return false, err
	}
	defer func() {
		if cerr := walk.Close(); err == nil {
			err = cerr
		}
	}()
	for n := 0; ; {
		e, ok := t.deadline.head(walk)
		isDue := ok && e.at <= t.cur.now
		if limit > 0 && n == limit {
			t.next = due{known: true, any: ok, at: e.at}
			return isDue, nil
		}
		if !isDue {
			t.next = due{known: true, any: ok, at: e.at}
			t.cur.watermark = entry{at: t.cur.now}
			return false, nil
		}
		t.deadline.take(walk, e)
		current, err := t.fire(e)
		if err != nil {
			return false, err
		}
		if current {
			n++
		}
	}
}

// fire handles one entry. The watermark moves with it, so that what the handler
// sets lies ahead of the scan.
func (t *Task) fire(e entry) (current bool, err error) {
	t.cur.watermark = e
	err = t.unit(func() error {
		current, err = t.cfg.Handler.Punctuate(t.tx, []byte(e.key), e.at)
		return err
	}, func() {
		current = true
		t.reject(Record{Offset: t.cur.position - 1, Key: []byte(e.key)}, reasonTooLarge, errTooLarge)
	})
	if current {
		t.cur.stats.Fired++
	} else {
		t.cur.stats.Stale++
	}
	return current, err
}

// NextDue returns the instant of the first entry of the deadline index that has
// not been handled, epoch milliseconds. The entry may be stale.
func (t *Task) NextDue() (at int64, ok bool, err error) {
	if !t.next.known {
		walk, err := t.cfg.Store.Deadlines(t.cur.watermark.deadline())
		if err != nil {
			return 0, false, err
		}
		e, ok := t.deadline.head(walk)
		t.next = due{known: true, any: ok, at: e.at}
		if err := walk.Close(); err != nil {
			t.next = due{}
			return 0, false, err
		}
	}
	return t.next.at, t.next.any, nil
}

// Backlog counts the entries that are due at an instant, epoch milliseconds, and
// have not been handled, stale ones among them, up to limit. Not within a
// transaction.
func (t *Task) Backlog(at int64, limit int) (n int, err error) {
	if first, ok, err := t.NextDue(); err != nil || !ok || first > at {
		return 0, err
	}
	walk, err := t.cfg.Store.Deadlines(t.cur.watermark.deadline())
	if err != nil {
		return 0, err
	}
	for d, ok := walk.Head(); ok && d.At <= at && n < limit; d, ok = walk.Head() {
		n++
		walk.Advance()
	}
	return n, walk.Close()
}
