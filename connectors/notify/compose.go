package notify

import "fmt"

// compose makes the message that tells a kind of an entry.
func (o *outbox) compose(b *book, id entryID, e *entry, kind Kind) (Message, error) {
	record, err := b.hand.record(id, e)
	if err != nil {
		return Message{}, fmt.Errorf("the record of %s cannot be read", e.Key())
	}
	now := o.clock.Now()
	m := o.rules.manners(e.Org).message(record, e.Record)
	m.Kind, m.AlertKey, m.MessageKey = kind, e.Key(), messageKey(e, kind)
	m.Acknowledged, m.Snoozed, m.Reminder = holds(e.Acknowledged, now), holds(e.Snoozed, now), e.Reminders
	if e.Digest == "" { // a digest's reference is no single alert's
		m.Reference = Reference(e.Reference)
	}
	if kind == Alert && o.can.Update {
		m.Thread = o.thread(b, id, e)
	}
	return m, nil
}

// messageKey is the same for every attempt at one message.
func messageKey(e *entry, kind Kind) string {
	key := e.Key() + "/" + kind.String()
	switch kind {
	case Acknowledge:
		return key + "/" + e.Acknowledged.At.String()
	case Snooze:
		return key + "/" + e.Snoozed.At.String()
	case Remind:
		return fmt.Sprintf("%s/%d", key, e.Reminders)
	}
	return key
}

// thread finds the first message about the conversation in this destination.
func (o *outbox) thread(b *book, id entryID, e *entry) Reference {
	var first *entry
	for _, other := range b.ids(e.Conversation, "") {
		if other == id {
			continue
		}
		x := b.load(other)
		if x == nil || x.Conversation != e.Conversation || x.Address != o.target.address || x.Reference == "" || x.Digest != "" {
			continue
		}
		if first == nil || x.Offset < first.Offset {
			first = x
		}
	}
	if first == nil {
		return ""
	}
	return Reference(first.Reference)
}

// manners is how to speak of an org.
func (b *rulebook) manners(org string) plan {
	rules, err := b.newest(org)
	if err != nil {
		return new(orgRules).plan()
	}
	return rules.way
}
