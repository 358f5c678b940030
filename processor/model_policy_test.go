package processor_test

import (
	"math"
	"slices"

	"unpark/processor/sla"
	"unpark/schemas"
)

// policy: "An org's policies are tried in order, first match wins" (7).
func (c *modelConversation) policy(e *modelEpisode) *sla.Policy {
	for i := range c.rules.policies {
		if p := &c.rules.policies[i]; e.matches(&p.Match) {
			return p
		}
	}
	return nil
}

// newestValue is the value of the newest event that has one, by event time.
func newestValue(events []*schemas.ConversationEvent, value func(*schemas.ConversationEvent) string) string {
	var newest *schemas.ConversationEvent
	for _, event := range events {
		if value(event) != "" && (newest == nil || later(event, newest) > 0) {
			newest = event
		}
	}
	if newest == nil {
		return ""
	}
	return value(newest)
}

// queue: "that of the newest acd.start or user.start that carries one, by event
// time" (7).
func (e *modelEpisode) queue() string {
	return newestValue(e.starts(), func(s *schemas.ConversationEvent) string {
		if leg, _ := leg(s); leg == "acd" || leg == "user" {
			return s.QueueId
		}
		return ""
	})
}

// "division, media and message type = the newest event's that has one" (7).
func (e *modelEpisode) division() string {
	return newestValue(e.events, (*schemas.ConversationEvent).GetDivisionId)
}

func (e *modelEpisode) media() string {
	return newestValue(e.events, (*schemas.ConversationEvent).GetMediaType)
}

func (e *modelEpisode) messageType() string {
	return newestValue(e.events, (*schemas.ConversationEvent).GetMessageType)
}

// attribute: "latest-by-event-time values (attributes by key)", ties "to the
// greater value" (2).
func (e *modelEpisode) attribute(key string) (value string, ok bool) {
	at := int64(math.MinInt64)
	for _, event := range e.events {
		v, has := event.Attributes[key]
		if !has || event.EventTimeMs < at || event.EventTimeMs == at && v < value {
			continue
		}
		value, at, ok = v, event.EventTimeMs, true
	}
	return value, ok
}

// matches: "Match keys take lists (any of them), attributes (all of the keys)"
// (7).
func (e *modelEpisode) matches(m *sla.Match) bool {
	direction := "inbound"
	if e.outbound() {
		direction = "outbound"
	}
	for key, want := range m.Attributes {
		if value, ok := e.attribute(key); !ok || value != want {
			return false
		}
	}
	in := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	return in(m.Media, e.media()) && in(m.MessageType, e.messageType()) && in(m.Direction, direction) &&
		in(m.Queue, e.queue()) && in(m.Division, e.division())
}
