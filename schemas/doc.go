// Package schemas is the vocabulary that the parts of unpark share: the topics,
// the type, key and codec of the records on each of them, and the keys of logs.
// The parts know schemas and not each other.
//
// Reads: nothing.
// Writes: nothing.
package schemas
