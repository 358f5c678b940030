// Package replay drives the processor's handler without Kafka, through the same
// task that a runner drives: for `unpark replay`, and for tests.
//
// Reads: what the caller pipes in.
// Writes: what the handler emits, to the caller.
package replay
