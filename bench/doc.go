// Package bench measures the processor on a real broker, beside a Kafka Streams
// application that tells the same: `make bench` and its siblings.
//
// Reads: all topics, of clusters that it starts itself.
// Writes: the same.
package bench
