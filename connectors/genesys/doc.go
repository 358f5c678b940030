// Package genesys asks an org's Genesys Cloud what no event tells: who wrote
// last, who holds a conversation, whether it is over. It answers the processor's
// requests, takes the actions that are due, and takes over what Genesys knows of
// opening hours and of conversations older than unpark.
//
// A request is answered by exactly one kind of record: ThreadObserved or
// CheckFailed for a check, ActionDone for an action. A crash between the answer
// and the commit of its offset answers twice; the processor takes the same answer
// twice without harm, and an action is not taken twice (act.go). The cap of actions
// per hour holds over restarts (recall.go).
//
// Times: observedAt is the moment before the conversation was asked for, so that
// an observation never claims to know what came after it. Waits and rates pass on
// the clock that is given, timeouts of a single call on the wall.
//
// Reads: genesys-requests, conversation-events (ActionDone of the last hour),
// org-config, sla-changelog (backfill.go), the Genesys API.
// Writes: conversation-events (ThreadObserved, CheckFailed, ActionDone, events
// of a backfill), org-config (schedules), the Genesys API (actions).
package genesys
