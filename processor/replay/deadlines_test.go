package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Deadlines come in order of time and key, near and far ones, whenever they are set,
// moved and dropped.
func TestDeadlinesComeInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	m := newMemory()
	due := map[string]int64{} // what is to come
	far := []int64{10, 1 << spanBits, 100 << spanBits, 1 << 50}
	for now, step := int64(0), 0; step < 50_000; step++ {
		key := fmt.Appendf(nil, "key %d", r.IntN(300))
		switch r.IntN(4) {
		case 0:
			at := now + r.Int64N(far[r.IntN(len(far))])
			m.setDue(m.slot(key), at)
			due[string(key)] = at
		case 1:
			m.setDue(m.slot(key), noDue)
			delete(due, string(key))
		case 2:
			m.commit()
		default:
			now += r.Int64N(20 << spanBits)
			for _, want := range upTo(due, now) {
				e, ok := m.index.first(now)
				if !ok || e.at != want.at || e.of.key != want.of.key {
					t.Fatalf("step %d: got %v, %+v, want %d of %s", step, ok, e, want.at, want.of.key)
				}
				m.take(e)
				delete(due, want.of.key)
			}
			if e, ok := m.index.first(now); ok {
				t.Fatalf("step %d: %d of %s comes at %d", step, e.at, e.of.key, now)
			}
		}
		held := len(m.index.near)
		for _, b := range m.index.later {
			held += len(b.entries)
		}
		if held != m.index.size {
			t.Fatalf("step %d: %d entries, counted %d", step, held, m.index.size)
		}
	}
}

// upTo lists what is due, in order.
func upTo(due map[string]int64, now int64) []entry {
	var all []entry
	for key, at := range due {
		if at <= now {
			all = append(all, entry{at, &slot{key: key}})
		}
	}
	slices.SortFunc(all, entry.compare)
	return all
}
