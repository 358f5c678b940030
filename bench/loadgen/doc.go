// Package loadgen makes the log that the contenders of a benchmark read: the
// records of conversation-events with their append times, ticks included.
//
// Reads: nothing.
// Writes: nothing; the caller puts the records on conversation-events.
package loadgen
