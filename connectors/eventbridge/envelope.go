package eventbridge

import (
	"bytes"
	"errors"

	"unpark/schemas"
)

// envelope is what is needed of an EventBridge envelope.
type envelope struct {
	detailType, source, id, time string
	body                         []byte // detail.eventBody, points into the raw envelope
}

// readEnvelope checks all of raw and returns its outer part.
func readEnvelope(raw []byte) (envelope, error) {
	if len(raw) > MaxEnvelope {
		return envelope{}, fail(TooLarge, "over 256 KiB")
	}
	var e envelope
	s := scanner{b: raw}
	object := s.peek() == '{'
	for key, ok := s.object(); ok; key, ok = s.key() {
		switch string(key) {
		case "detail-type":
			e.detailType = string(s.str())
		case "source":
			e.source = string(s.str())
		case "id":
			e.id = string(s.str())
		case "time":
			e.time = string(s.str())
		case "detail":
			e.body = readDetail(&s)
		default:
			s.skip()
		}
	}
	s.end()
	switch {
	case errors.Is(s.err, errDeep):
		return e, fail(TooDeep, "nested deeper than 32")
	case s.err != nil:
		return e, fail(NotJSON, "not a JSON value")
	case !object:
		return e, fail(WrongEnvelope, "no object")
	case s.mistyped:
		return e, fail(WrongEnvelope, "detail-type, source, id, time or detail is of another type")
	case len(e.body) == 0 || e.body[0] != '{':
		return e, fail(WrongEnvelope, "no detail.eventBody")
	}
	return e, nil
}

func readDetail(s *scanner) (body []byte) {
	for key, ok := s.object(); ok; key, ok = s.key() {
		if string(key) == "eventBody" {
			body = s.skip()
			continue
		}
		s.skip()
	}
	return body
}

// topicPrefix is followed by {id}, literally or a conversation's id, and the
// event's name.
const topicPrefix = "v2.detail.events.conversation."

// eventTopic is the topic of an event by its name, 0 if there is none.
func eventTopic(name []byte) schemas.EventTopic {
	switch string(name) {
	case "acd.start":
		return schemas.EventTopic_EVENT_TOPIC_ACD_START
	case "acd.end":
		return schemas.EventTopic_EVENT_TOPIC_ACD_END
	case "acw":
		return schemas.EventTopic_EVENT_TOPIC_ACW
	case "attributes":
		return schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES
	case "contact":
		return schemas.EventTopic_EVENT_TOPIC_CONTACT
	case "customer.start":
		return schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START
	case "customer.end":
		return schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END
	case "flow.start":
		return schemas.EventTopic_EVENT_TOPIC_FLOW_START
	case "flow.end":
		return schemas.EventTopic_EVENT_TOPIC_FLOW_END
	case "flow.outcome":
		return schemas.EventTopic_EVENT_TOPIC_FLOW_OUTCOME
	case "outbound":
		return schemas.EventTopic_EVENT_TOPIC_OUTBOUND
	case "user.start":
		return schemas.EventTopic_EVENT_TOPIC_USER_START
	case "user.end":
		return schemas.EventTopic_EVENT_TOPIC_USER_END
	case "voicemail.start":
		return schemas.EventTopic_EVENT_TOPIC_VOICEMAIL_START
	case "voicemail.end":
		return schemas.EventTopic_EVENT_TOPIC_VOICEMAIL_END
	case "wrapup":
		return schemas.EventTopic_EVENT_TOPIC_WRAPUP
	}
	return 0
}

// topicOf finds the event's name behind the last dot or the last but one, since
// nothing forbids dots in an id.
func topicOf(detailType []byte) (schemas.EventTopic, bool) {
	rest, ok := bytes.CutPrefix(detailType, []byte(topicPrefix))
	if !ok {
		return 0, false
	}
	dot := len(rest)
	for range 2 {
		if dot = bytes.LastIndexByte(rest[:dot], '.'); dot <= 0 {
			break
		}
		if topic := eventTopic(rest[dot+1:]); topic != 0 {
			return topic, true
		}
	}
	return 0, false
}

// hasSession says whether the topic opens or closes a session.
func hasSession(t schemas.EventTopic) bool {
	switch t {
	case schemas.EventTopic_EVENT_TOPIC_ACD_START, schemas.EventTopic_EVENT_TOPIC_ACD_END,
		schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END,
		schemas.EventTopic_EVENT_TOPIC_FLOW_START, schemas.EventTopic_EVENT_TOPIC_FLOW_END,
		schemas.EventTopic_EVENT_TOPIC_USER_START, schemas.EventTopic_EVENT_TOPIC_USER_END,
		schemas.EventTopic_EVENT_TOPIC_VOICEMAIL_START, schemas.EventTopic_EVENT_TOPIC_VOICEMAIL_END:
		return true
	}
	return false
}
