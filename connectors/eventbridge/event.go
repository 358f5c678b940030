package eventbridge

import (
	"slices"
	"strings"

	"unpark/schemas"
)

// fields are what is kept of an eventBody, as it stands in the envelope or close to
// it. The bytes point into the envelope.
type fields struct {
	topic                                                     schemas.EventTopic
	eventTime                                                 int64
	conversation, participant, session, queue, user, division []byte
	media, messageType, direction, disconnect                 string
	attributes                                                map[string]string
	communications                                            []string
}

// read reads an eventBody of the topic that f has. What is not read here is
// dropped: that is how addresses, ANI, DNIS, subject and notes stay out of Kafka.
func (f *fields) read(s *scanner, attributes []string) {
	for key, ok := s.object(); ok; key, ok = s.key() {
		switch string(key) {
		case "eventTime":
			f.eventTime, _ = s.whole()
		case "conversationId":
			f.conversation = s.str()
		case "participantId":
			f.participant = s.str()
		case "sessionId":
			f.session = s.str()
		case "mediaType":
			f.media = word(s)
		case "messageType":
			f.messageType = word(s)
		case "direction":
			f.direction = word(s)
		case "queueId":
			f.queue = s.str()
		case "userId":
			f.user = s.str()
		case "divisionId":
			f.division = s.str()
		case "disconnectType":
			f.disconnect = word(s)
		case "attributes":
			f.readAttributes(s, attributes)
		case "communications":
			f.readCommunications(s)
		default:
			s.skip()
		}
	}
}

// fill makes e the event. Its strings are appended to texts, whose memory those of
// several events share: memory of its own is what an event costs most.
func (f *fields) fill(e *schemas.ConversationEvent, org string, envelopeID []byte, texts *strings.Builder) {
	e.OrgId, e.Topic, e.EventTimeMs = org, f.topic, f.eventTime
	e.MediaType, e.MessageType, e.Direction, e.DisconnectType = f.media, f.messageType, f.direction, f.disconnect
	e.Attributes, e.CommunicationMedia = f.attributes, f.communications

	size := len(f.conversation) + len(f.participant) + len(f.session) + len(f.queue) + len(f.user) + len(f.division) + len(envelopeID)
	if room := texts.Cap(); room-texts.Len() < size {
		texts.Reset()
		texts.Grow(max(room, size))
	}
	begin := texts.Len()
	for _, part := range [...][]byte{f.conversation, f.participant, f.session, f.queue, f.user, f.division, envelopeID} {
		texts.Write(part)
	}
	text := texts.String()[begin:]
	next := func(part []byte) (s string) {
		s, text = text[:len(part)], text[len(part):]
		return s
	}
	e.ConversationId, e.ParticipantId, e.SessionId = next(f.conversation), next(f.participant), next(f.session)
	e.QueueId, e.UserId, e.DivisionId, e.EnvelopeId = next(f.queue), next(f.user), next(f.division), next(envelopeID)
}

// readAttributes keeps the listed attributes of an attributes event.
func (f *fields) readAttributes(s *scanner, keep []string) {
	if f.topic != schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES {
		s.skip()
		return
	}
	for key, ok := s.object(); ok; key, ok = s.key() {
		name := string(key)
		if !slices.Contains(keep, name) || s.peek() == 'n' {
			s.skip()
			continue
		}
		if f.attributes == nil {
			f.attributes = make(map[string]string, len(keep))
		}
		f.attributes[name] = string(s.str())
	}
}

// readCommunications keeps the media of an attributes event, which has no
// mediaType of its own.
func (f *fields) readCommunications(s *scanner) {
	if f.topic != schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES {
		s.skip()
		return
	}
	for ok := s.array(); ok; ok = s.element() {
		for key, ok := s.object(); ok; key, ok = s.key() {
			if string(key) != "mediaType" {
				s.skip()
				continue
			}
			if media := word(s); media != "" && !slices.Contains(f.communications, media) {
				f.communications = append(f.communications, media)
			}
		}
	}
}

// enum is a value of an enum, as it is written and in lower case.
type enum struct{ written, word string }

// words are the values of enums that most events have, by Genesys's spelling.
// Others are lowered as they come: Genesys adds values without notice.
var words = map[string]enum{}

func init() {
	for w := range strings.FieldsSeq(`UNKNOWN VOICE CHAT EMAIL CALLBACK MESSAGE
		SMS FACEBOOK WHATSAPP WEBMESSAGING OPEN INSTAGRAM APPLE INBOUND OUTBOUND
		ENDPOINT CLIENT SYSTEM TRANSFER ERROR PEER TIMEOUT INACTIVITY`) {
		lower := strings.ToLower(w)
		words[w], words[lower] = enum{w, lower}, enum{lower, lower}
	}
}

// word reads an enum value, lower case.
func word(s *scanner) string {
	key := s.last
	value := s.str()
	if key != nil && string(value) == key.word.written {
		return key.word.word // as in the envelope before
	}
	if w, ok := words[string(value)]; ok {
		if key != nil {
			key.word = w
		}
		return w.word
	}
	if len(value) > maxID {
		s.mistyped = true // no enum is that long
		return ""
	}
	return strings.ToLower(string(value))
}
