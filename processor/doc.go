// Package processor is where the clocks (sla) meet the runtime (stream): it
// keeps a state for every open conversation, looks at it when something falls
// due, and tells what follows.
//
// Reads: conversation-events, org-config.
// Writes: sla-changelog, escalations, genesys-requests, dead-letters.
package processor
