// Package slab hands out values that end together, from memory that is used again.
//
// Reads: nothing.
// Writes: nothing.
package slab

import "unsafe"

// chunkBytes is about how much is allocated at once.
const chunkBytes = 64 << 10

// Slab hands out values of T. The zero value is ready; it belongs to one goroutine.
type Slab[T any] struct {
	// Keep is how many bytes Reset keeps for what comes next.
	Keep   int
	chunks [][]T
	used   int // values
}

// size is how many values a chunk has.
func (s *Slab[T]) size() int {
	var v T
	return max(1, chunkBytes/int(unsafe.Sizeof(v)))
}

// Next returns a zero value, which is valid until Reset.
func (s *Slab[T]) Next() *T {
	size := s.size()
	if s.used == len(s.chunks)*size {
		s.chunks = append(s.chunks, make([]T, size))
	}
	v := &s.chunks[s.used/size][s.used%size]
	s.used++
	return v
}

// Reset takes all values back.
func (s *Slab[T]) Reset() {
	size := s.size()
	if kept := s.Keep / chunkBytes; len(s.chunks) > kept {
		clear(s.chunks[kept:])
		s.chunks = s.chunks[:kept]
	}
	for i, c := range s.chunks {
		clear(c[:max(0, min(size, s.used-i*size))])
	}
	s.used = 0
}
