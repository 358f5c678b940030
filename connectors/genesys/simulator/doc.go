// Package simulator is a Genesys Cloud organisation in a process: customers who
// write and come back, agents who answer, park and forget, transfer and go home,
// the EventBridge envelopes that follow, and the API that is asked about it.
//
// An [Org] is driven by a clock: [Org.Advance] performs everything up to an
// instant, and an API call first advances to the clock's time, so that events,
// API answers and the [Org.Truth] agree at every instant. Equal seeds give equal
// histories, whatever is asked meanwhile; only an action through the API changes
// what follows in its conversation.
//
// A [Region] serves any number of organisations over HTTP; as in Genesys, the
// token says whose data a call sees. What the public documentation of Genesys
// leaves open is a field of [Unknowns], so that both readings can be tested.
//
// Reads: nothing.
// Writes: EventBridge envelopes, to a function of the caller's.
package simulator
