package simulator

import (
	"container/heap"
	"time"
)

// agenda is what is to come, in order of time and, within an instant, of entry.
type agenda[T any] struct {
	entries entries[T]
	count   int
}

type entry[T any] struct {
	at    time.Time
	order int
	what  T
}

func (a *agenda[T]) add(at time.Time, what T) {
	a.count++
	heap.Push(&a.entries, entry[T]{at, a.count, what})
}

// next takes the first entry if its time has come by t.
func (a *agenda[T]) next(t time.Time) (entry[T], bool) {
	if len(a.entries) == 0 || a.entries[0].at.After(t) {
		return entry[T]{}, false
	}
	return heap.Pop(&a.entries).(entry[T]), true
}

// first is when the next entry is due.
func (a *agenda[T]) first() (time.Time, bool) {
	if len(a.entries) == 0 {
		return time.Time{}, false
	}
	return a.entries[0].at, true
}

// entries implements heap.Interface.
type entries[T any] []entry[T]

func (e entries[T]) Len() int { return len(e) }
func (e entries[T]) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	return e[i].order < e[j].order
}
func (e entries[T]) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *entries[T]) Push(x any)   { *e = append(*e, x.(entry[T])) }
func (e *entries[T]) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}
