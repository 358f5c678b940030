package notify

import (
	"time"

	"unpark/connectors/notify/text"
	"unpark/schemas"
)

// Kind is what a message is about: the alert itself, or what became of it.
type Kind uint8

// Kinds of messages. Every destination tells an Alert; of the others it gets
// those that its Capabilities name.
const (
	// Alert is new: nothing about this escalation was told here.
	Alert Kind = iota
	// Clear and Retract end an alert that was told: the escalation's status says
	// how.
	Clear
	Retract
	// Acknowledge says that somebody has taken the alert on.
	Acknowledge
	// Snooze says that somebody has silenced its reminders for a while.
	Snooze
	// Remind tells again of an alert that nobody has acknowledged.
	Remind
	// Digest tells of many alerts at once; a digest with a Reference replaces the
	// one told before.
	Digest
)

var kindNames = [...]string{"alert", "clear", "retract", "acknowledge", "snooze", "remind", "digest"}

func (k Kind) String() string { return kindNames[k] }

// Kinds is a set of kinds.
type Kinds uint16

// allKinds is the set of all.
const allKinds = ^Kinds(0)

// KindsOf returns the set of some kinds.
func KindsOf(kinds ...Kind) (s Kinds) {
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Has reports whether the set holds a kind.
func (s Kinds) Has(k Kind) bool { return s&(1<<k) != 0 }

// Reference is how a destination finds a message again that it was told: channel
// and time stamp, or a deduplication key. It is opaque to everybody else, at most
// 1 KiB, and no secret: it stands in the ledger.
type Reference string

// Message is what a destination is told.
type Message struct {
	Kind Kind
	// Escalation is the newest record of the alert that the message is about; nil
	// for a Digest.
	Escalation *schemas.Escalation
	// Value is the record as it stands on the topic; nil for a Digest.
	Value []byte
	// OrgName is what people call the org; empty if its rules give no name.
	OrgName string
	// Zone is the org's time zone; nil means UTC.
	Zone *time.Location
	// Texts are the org's own; nil: the defaults.
	Texts *text.Set
	// Link is the conversation's page in Genesys Cloud; empty: not known.
	Link string

	// AlertKey is the same for all messages about one alert in one destination,
	// and of no other: escalationId/org/route/index (PagerDuty's dedup_key). A
	// Digest has one of its own.
	AlertKey string
	// MessageKey is the same for every attempt at this message, and of no other
	// (Standard Webhooks' webhook-id). A destination that recognises it shows a
	// message once that was sent twice.
	MessageKey string
	// Reference is what Notify returned for the alert's message, or the digest's;
	// empty for a new one.
	Reference Reference
	// Thread is the reference of the first message about the same conversation in
	// this destination, if that is another one.
	Thread Reference

	// Acknowledged and Snoozed say who has taken the alert on, or silenced it, as
	// far as that holds now.
	Acknowledged *Mark
	Snoozed      *Mark
	// Reminder counts the reminders of the alert, this one included.
	Reminder int
	// Digest is what a Digest says.
	Digest *Summary
	// Test marks an alert that was never raised: somebody tries the route.
	Test bool
}

// Mark is an acknowledgement or a snooze.
type Mark = schemas.Mark

// Summary is what a digest says of the alerts in it.
type Summary struct {
	// From and To are when the first and the last of them were raised.
	From, To time.Time
	// Late: they could not be told when they were raised, the destination or the
	// notifier was out.
	Late bool
	// Raised counts the alerts, Cleared those of them that are over.
	Raised, Cleared int
	// Groups has one entry for each queue and agent, most open alerts first.
	Groups []Group
}

// Group is the part of a digest that concerns one queue and agent.
type Group struct {
	// Queue and Agent are names, or ids where there is no name; empty for none.
	Queue, Agent    string
	Raised, Cleared int
	// Conversations are the ids of those that are still open, oldest first, at
	// most ten.
	Conversations []string
}
