// Package replay drives the processor's handler without Kafka, for `unpark replay`
// and for tests: a Driver through the same task that a runner drives, a Sharded on
// several cores with all in memory, for a history of events.
//
// Reads: what the caller pipes in.
// Writes: what the handler emits, to the caller.
package replay
