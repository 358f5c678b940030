// Package notify tells people: it takes escalations from the topic, finds the
// destinations that the org's rules name for them, and sees each one delivered or
// given up.
//
// # The way of an escalation
//
//	escalations ─► window of the partition ─► queue of the org ─► queue of each destination ─► Notifier
//	                      ▲                       (routing)            │          │
//	                      └──────────── settled ◄──────────────────────┴──► dead-letters
//
// An offset is committed once its escalation and all before it are settled: taken
// by every destination, or written to dead-letters. So delivery is at least once:
// after a crash or a rebalance the escalations in flight are told again. A new
// group starts at the beginning of the topic, since late alerts are better than
// silence.
//
// # One destination delays no other
//
// Every destination has its own queue and its own goroutine, which keeps the order
// of a conversation within the destination. What could couple them is the window:
// it bounds the escalations of a partition that are not settled, and a full one
// stops reading for everybody. The bound counts what is not settled, not how far
// reading is ahead, so it fills only if that many really wait. Three rules keep
// one destination from filling it:
//
//   - A failing destination has GiveUp (10 min) from the moment an escalation was
//     read, and MaxAttempts. What it has not taken by then is a dead letter,
//     wherever in the queue it stands. Backoff and Retry-After belong to the
//     destination, not to one delivery. A Retry-After beyond GiveUp counts as
//     GiveUp, so that one answer cannot silence a channel for a day.
//   - A destination that answers may be late: a burst after an outage is told in
//     full, however long it takes.
//   - A destination that is stalled, which is failing for longer than Patience
//     (30 s) or alive but more than GiveUp behind, keeps the first QueueBound
//     (1000) of its queue. The rest becomes dead letters at once.
//
// So with a window of 10,000 reading a partition pauses for all only while ten
// stalled destinations hold their bounds in it, or after a burst of more than
// 10,000: for Patience if it is for a dead destination, for up to GiveUp if it is
// for one that answers too slowly.
//
// # Secrets
//
// Configurations refer to secrets, and a Notifier resolves the reference for each
// message. An address is never part of an error, a log line or a dead letter:
// Post strips net/http's errors, which repeat it.
//
// Reads: escalations, org-config (through Configs).
// Writes: the destinations, dead-letters.
package notify
