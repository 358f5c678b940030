// Package bench measures the processor on a real broker: `make bench-kafka`.
//
// Reads: all topics, of clusters that it starts itself.
// Writes: the same.
package bench
