// Package notify tells people: it takes escalations from the topic, finds the
// destinations that the org's rules name for them, and sees each one told once or
// given up.
//
// # The way of an escalation
//
//	escalations ─► routing ─► ledger ─► outbox of each destination ─► Notifier
//	                 (per org)   │ ▲            │        │
//	                             ▼ └─ told ─────┘        └─ given up ─► dead-letters
//	                         deliveries
//
// The ledger has an entry for each escalation and destination. An offset of
// escalations is committed once its entries are on the topic deliveries; what is
// pending lives there, not in the offsets, so a destination that is out for a day
// holds nothing up. An entry lies in the partition of its escalation. Who gets a
// partition writes an owner record into it and reads it up to there: that is all
// there is to know of what was told. Then what is pending goes on. An owner record
// that is not our own says that somebody else has taken the partition over.
//
// So each alert is told once, but for one moment: between a destination's answer
// and the record of it. Who dies there tells it again. Destinations that recognise
// Message.MessageKey or AlertKey do not show even that.
//
// # What follows an alert
//
// Entries are decided upon in entry.go, purely: what is to be told next, what an
// answer (acknowledge, snooze) or a reminder changes. An alert that was over
// before it was told is never told. Answers come as records of deliveries, from
// buttons and commands, in whatever process; the owner carries them out.
//
// # One destination delays no other
//
// Every destination has its own outbox and goroutine, which keeps the order of a
// conversation, its rate, and a breaker: failures belong to the destination, which
// is left alone for longer and longer, up to MaxBackoff, or as long as it asks
// for. What it has not taken within GiveUp is a dead letter. Too many alerts at
// once, or several that could not be told in time, become a digest (storm.go).
// Outboxes hold only where their entries are; the entries lie on disk (shelf.go), as
// the topic has them up to an offset (page.go), from where a restart reads on.
//
// # Secrets
//
// Configurations refer to secrets, and a Notifier resolves the reference for each
// message. An address is never part of an error, a log line, an entry or a dead
// letter: Post strips net/http's errors, which repeat it.
//
// Reads: escalations, deliveries, org-config (through Configs).
// Writes: the destinations, deliveries, dead-letters.
package notify
