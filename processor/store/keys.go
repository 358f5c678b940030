package store

import (
	"encoding/binary"
	"slices"
)

// Every key begins with the partition (4 bytes, big endian) and the space it
// belongs to:
//
//	partition | S | key            state
//	partition | D | due ms | key   deadline index, empty value
//	partition | P                  position
type space byte

const (
	deadlineSpace space = 'D'
	positionSpace space = 'P'
	stateSpace    space = 'S'

	prefixSize = 5
	dueSize    = 8
)

func appendPrefix(dst []byte, partition int32, s space) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(partition)), byte(s))
}

// appendDue keeps the order of instants, those before 1970 included.
func appendDue(dst []byte, ms int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(ms)^1<<63)
}

func decodeDue(b []byte) int64 { return int64(binary.BigEndian.Uint64(b) ^ 1<<63) }

func stateKey(dst []byte, partition int32, key []byte) []byte {
	return append(appendPrefix(dst, partition, stateSpace), key...)
}

func deadlineKey(dst []byte, partition int32, d Deadline) []byte {
	return append(appendDue(appendPrefix(dst, partition, deadlineSpace), d.At), d.Key...)
}

// behindKey is the first key that stands behind d.
func behindKey(partition int32, d Deadline) []byte {
	k := deadlineKey(nil, partition, d)
	if len(d.Key) > 0 {
		k = append(k, 0)
	}
	return k
}

// spaceEnd is the first key behind a space.
func spaceEnd(partition int32, s space) []byte { return appendPrefix(nil, partition, s+1) }

// prefixEnd is the first key behind those that begin with prefix, nil if there
// is none.
func prefixEnd(prefix []byte) []byte {
	for i, v := range slices.Backward(prefix) {
		if v != 0xff {
			end := append([]byte(nil), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}
