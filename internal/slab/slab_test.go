package slab_test

import (
	"testing"

	"unpark/internal/slab"
)

type value struct {
	n    int
	next *value
	room [1000]byte
}

func TestSlab(t *testing.T) {
	s := slab.Slab[value]{Keep: 1 << 20}
	for _, n := range []int{1, 3, 200, 5000, 0, 64, 65, 130, 2} { // below, at and above what is kept
		seen := make(map[*value]bool)
		for i := range n {
			v := s.Next()
			if v.n != 0 || v.next != nil || v.room != [1000]byte{} || seen[v] {
				t.Fatalf("value %d of %d: %d, %t: used before", i, n, v.n, seen[v])
			}
			v.n, v.next, v.room[999] = 1+i, v, 1
			seen[v] = true
		}
		s.Reset()
	}
}

func TestNothingIsAllocatedTwice(t *testing.T) {
	s := slab.Slab[value]{Keep: 1 << 20}
	round := func() {
		for range 500 {
			s.Next().n = 1
		}
		s.Reset()
	}
	round()
	if n := testing.AllocsPerRun(10, round); n > 0 {
		t.Fatalf("%v allocations in a round that has its memory", n)
	}
}
