package notify

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"unpark/schemas"
)

// reach is the partitions of the ledger over which a digest may spread: all that
// one process had when it began. Only who has all of them knows what is in it.
type reach []*book

// reach returns all partitions that are ours, and filled.
func (l *ledger) reach() (r reach) {
	for _, b := range l.all() {
		if b.isFilled() {
			r = append(r, b)
		}
	}
	slices.SortFunc(r, func(a, b *book) int { return cmp.Compare(a.partition, b.partition) })
	return r
}

// reachOf reads what String has written; false if not all of it is ours.
func (l *ledger) reachOf(text string) (r reach, ours bool) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, ranged := strings.Cut(part, "-")
		from, err := strconv.ParseInt(first, 10, 32)
		to := from
		if ranged && err == nil {
			to, err = strconv.ParseInt(last, 10, 32)
		}
		if err != nil {
			return nil, false
		}
		for p := from; p <= to; p++ {
			b := l.book(int32(p))
			if b == nil || !b.isFilled() {
				return nil, false
			}
			r = append(r, b)
		}
	}
	return r, r.ours()
}

// String lists the partitions: 0-3,7.
func (r reach) String() string {
	var parts []string
	for i := 0; i < len(r); {
		last := i
		for last+1 < len(r) && r[last+1].partition == r[last].partition+1 {
			last++
		}
		part := strconv.Itoa(int(r[i].partition))
		if last > i {
			part += "-" + strconv.Itoa(int(r[last].partition))
		}
		parts = append(parts, part)
		i = last + 1
	}
	return strings.Join(parts, ",")
}

func (r reach) has(b *book) bool { return slices.Contains(r, b) }

// ours says whether all of it is ours, without a break since.
func (r reach) ours() bool {
	return !slices.ContainsFunc(r, func(b *book) bool { return b.isClosed() })
}

// digest returns the digest in which an alert was told; nil if it was told by
// itself, or if others have a part of it.
func (o *outbox) digest(e *entry, l *ledger) *bundle {
	if e.Digest == "" {
		return nil
	}
	if d := o.storm.find(e.Digest); d != nil && d.reach.ours() {
		return d
	}
	r, ours := l.reachOf(e.DigestPartitions)
	if !ours {
		return nil
	}
	d := recall(e.Digest, r)
	o.storm.keep(d)
	return d
}

// recall rebuilds a digest from the entries that were told in it.
func recall(key string, r reach) *bundle {
	d := newBundle(r)
	d.key = key
	told := members(key, r)
	newest := slices.MaxFunc(append(told, new(entry)), func(a, b *entry) int { return cmp.Compare(a.ToldAt, b.ToldAt) })
	d.reference, d.late = Reference(newest.Reference), newest.DigestLate
	for _, e := range told {
		d.add(e)
		d.reminders = max(d.reminders, e.Reminders)
		if e.Told != schemas.StatusRaised {
			d.clear(e)
		}
	}
	return d
}

// members are the entries of a digest, oldest first.
func members(key string, r reach) (es []*entry) {
	for _, b := range r {
		ids, err := b.ledger.shelf.ofDigest(b.partition, key)
		if err != nil {
			b.ledger.fail(err)
		}
		for _, id := range ids {
			if e := b.load(id); e != nil && e.Digest == key {
				es = append(es, e)
			}
		}
	}
	slices.SortStableFunc(es, func(a, b *entry) int { return cmp.Compare(a.RaisedAt, b.RaisedAt) })
	return es
}
