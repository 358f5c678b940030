package replay

import (
	"cmp"
	"slices"
)

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

// holds reports whether the slot still says the same instant.
func (e entry) holds() bool { return e.of.due == e.at }

// deadlines are the entries of a deadline index, in the order of entry.compare; among
// them such as no longer hold. Most fall due in days, so that only those of the next
// minutes are in order: a heap of all would be too large for the processor's caches.
type deadlines struct {
	near  []entry  // a heap of what is due before until
	until int64    // begin of the first span that is in later
	later []bucket // in order
	size  int
}

// bucket holds the entries of a span of time, in no order.
type bucket struct {
	span    int64
	entries []entry
}

// spanBits is how many bits of an instant are its place in a span, of 17 minutes.
const spanBits = 20

func (d *deadlines) add(e entry) {
	d.size++
	if e.at < d.until {
		d.push(e)
		return
	}
	span := e.at >> spanBits
	i, ok := slices.BinarySearchFunc(d.later, span, func(b bucket, span int64) int { return cmp.Compare(b.span, span) })
	if !ok {
		d.later = slices.Insert(d.later, i, bucket{span: span})
	}
	d.later[i].entries = append(d.later[i].entries, e)
}

// first returns the first entry that holds, if it is due up to an instant.
func (d *deadlines) first(upTo int64) (e entry, ok bool) {
	for {
		for len(d.near) > 0 {
			if e = d.near[0]; e.holds() {
				return e, e.at <= upTo
			}
			d.remove()
		}
		if len(d.later) == 0 || d.later[0].span<<spanBits > upTo {
			return entry{}, false
		}
		d.open()
	}
}

// open takes the next span into the heap.
func (d *deadlines) open() {
	next := d.later[0]
	d.later = slices.Delete(d.later, 0, 1)
	d.until = (next.span + 1) << spanBits
	for _, e := range next.entries {
		if e.holds() {
			d.push(e)
		} else {
			d.size--
		}
	}
}

// reset forgets all entries.
func (d *deadlines) reset() {
	clear(d.near)
	clear(d.later)
	*d = deadlines{near: d.near[:0], later: d.later[:0]}
}

// arity is how many entries of the heap stand below each: wide is shallow.
const arity = 4

func (d *deadlines) push(e entry) {
	d.near = append(d.near, e)
	i := len(d.near) - 1
	for i > 0 {
		above := (i - 1) / arity
		if d.near[above].compare(e) <= 0 {
			break
		}
		d.near[i] = d.near[above]
		i = above
	}
	d.near[i] = e
}

// remove removes the entry that is the first of the heap.
func (d *deadlines) remove() {
	d.size--
	n := len(d.near) - 1
	last := d.near[n]
	d.near[n] = entry{}
	if d.near = d.near[:n]; n == 0 {
		return
	}
	i := 0
	for {
		least := arity*i + 1
		if least >= n {
			break
		}
		for j := least + 1; j < min(least+arity, n); j++ {
			if d.near[j].compare(d.near[least]) < 0 {
				least = j
			}
		}
		if d.near[least].compare(last) >= 0 {
			break
		}
		d.near[i] = d.near[least]
		i = least
	}
	d.near[i] = last
}
