package eventbridge

import (
	"slices"
	"strings"

	"unpark/schemas"
)

// readEvent fills e from an eventBody. What is not read here is dropped: that is
// how addresses, ANI, DNIS, subject and notes stay out of Kafka.
func readEvent(body []byte, e *schemas.ConversationEvent, attributes []string) error {
	s := scanner{b: body}
	for key := range s.object() {
		switch string(key) {
		case "eventTime":
			e.EventTimeMs, _ = s.whole()
		case "conversationId":
			e.ConversationId = string(s.str())
		case "participantId":
			e.ParticipantId = string(s.str())
		case "sessionId":
			e.SessionId = string(s.str())
		case "mediaType":
			e.MediaType = word(&s)
		case "messageType":
			e.MessageType = word(&s)
		case "direction":
			e.Direction = word(&s)
		case "queueId":
			e.QueueId = string(s.str())
		case "userId":
			e.UserId = string(s.str())
		case "divisionId":
			e.DivisionId = string(s.str())
		case "disconnectType":
			e.DisconnectType = word(&s)
		case "attributes":
			readAttributes(&s, e, attributes)
		case "communications":
			readCommunications(&s, e)
		default:
			s.skip()
		}
	}
	if s.mistyped {
		return fail(WrongEnvelope, "a field of eventBody is of another type")
	}
	return nil
}

// readAttributes keeps the listed attributes of an attributes event.
func readAttributes(s *scanner, e *schemas.ConversationEvent, keep []string) {
	if e.Topic != schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES {
		s.skip()
		return
	}
	for key := range s.object() {
		name := string(key)
		if !slices.Contains(keep, name) || s.peek() == 'n' {
			s.skip()
			continue
		}
		if e.Attributes == nil {
			e.Attributes = make(map[string]string, len(keep))
		}
		e.Attributes[name] = string(s.str())
	}
}

// readCommunications keeps the media of an attributes event, which has no
// mediaType of its own.
func readCommunications(s *scanner, e *schemas.ConversationEvent) {
	if e.Topic != schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES {
		s.skip()
		return
	}
	for range s.array() {
		for key := range s.object() {
			if string(key) != "mediaType" {
				s.skip()
				continue
			}
			if media := word(s); media != "" && !slices.Contains(e.CommunicationMedia, media) {
				e.CommunicationMedia = append(e.CommunicationMedia, media)
			}
		}
	}
}

// words are the values of enums that most events have, by Genesys's spelling.
// Others are lowered as they come: Genesys adds values without notice.
var words = map[string]string{}

func init() {
	for w := range strings.FieldsSeq(`UNKNOWN VOICE CHAT EMAIL CALLBACK MESSAGE
		SMS FACEBOOK WHATSAPP WEBMESSAGING OPEN INSTAGRAM APPLE INBOUND OUTBOUND
		ENDPOINT CLIENT SYSTEM TRANSFER ERROR PEER TIMEOUT INACTIVITY`) {
		words[w] = strings.ToLower(w)
	}
}

// word reads an enum value, lower case.
func word(s *scanner) string {
	value := s.str()
	if w, ok := words[string(value)]; ok {
		return w
	}
	if len(value) > maxID {
		s.mistyped = true // no enum is that long
		return ""
	}
	return strings.ToLower(string(value))
}
