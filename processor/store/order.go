package store

import (
	"bytes"
	"slices"
	"sort"
)

// order is a table's keys in order, for scans: made by the first one, since most
// tables see none, and made anew when many keys have come since.
type order struct {
	keys  []place // sorted
	fresh []place // keys that came since, in no order
}

// manyFresh is when sorting anew costs less than looking through what is fresh.
func (o *order) manyFresh() bool { return len(o.fresh) > 1024+len(o.keys)/8 }

// between returns the places of the keys that are >= lower and, unless upper is nil,
// < upper: two lists, each in order. The value of a key may lie elsewhere by now.
func (t *table) between(lower, upper []byte) (lists [2][]place) {
	if t.n == 0 {
		return lists
	}
	if t.order == nil || t.order.manyFresh() {
		t.order = &order{keys: make([]place, 0, t.n)}
		for _, e := range t.sorted() {
			t.order.keys = append(t.order.keys, e.at)
		}
	}
	from, to := t.seek(lower), len(t.order.keys)
	if upper != nil {
		to = max(from, t.seek(upper))
	}
	lists[0] = t.order.keys[from:to]
	for _, at := range t.order.fresh {
		if k := t.key(at); bytes.Compare(k, lower) >= 0 && (upper == nil || bytes.Compare(k, upper) < 0) {
			lists[1] = append(lists[1], at)
		}
	}
	slices.SortFunc(lists[1], func(a, b place) int { return bytes.Compare(t.key(a), t.key(b)) })
	return lists
}

// seek returns the index of the first key in order that is >= key.
func (t *table) seek(key []byte) int {
	return sort.Search(len(t.order.keys), func(i int) bool { return bytes.Compare(t.key(t.order.keys[i]), key) >= 0 })
}
