// Package sla holds the rules of SLA.md as a pure state machine: Step applies
// one input to the state of a conversation and says what follows. It looks at
// no clock, no store and no network.
//
// Reads: nothing.
// Writes: nothing.
package sla
