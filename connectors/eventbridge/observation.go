package eventbridge

import "unpark/schemas"

// observationType is the detail-type of an envelope that says what a look at
// the Genesys API saw. Genesys sends none: the demo and archives hold them.
const observationType = "unpark.thread.observed"

var authors = map[string]schemas.Author{
	"customer": schemas.Author_AUTHOR_CUSTOMER,
	"agent":    schemas.Author_AUTHOR_AGENT,
	"bot":      schemas.Author_AUTHOR_BOT,
}

func (d *Decoded) observation(env envelope) error {
	o := &schemas.ThreadObserved{OrgId: d.Org}
	s := scanner{b: env.body}
	readObservation(&s, o)
	if s.mistyped {
		return fail(BadObservation, "a field of the observation is of another type, unknown or out of range")
	}
	d.Conversation, d.EventTime = o.ConversationId, o.ObservedAtMs
	d.Input = &schemas.InputRecord{Kind: &schemas.InputRecord_ThreadObserved{ThreadObserved: o}}
	return checkIDs(id{"conversationId", o.ConversationId, true}, id{"org id", o.OrgId, true},
		id{"queueId", o.QueueId, false}, id{"agent.id", o.Agent.GetId(), false},
		id{"agent.participantId", o.Agent.GetParticipantId(), false})
}

func readObservation(s *scanner, o *schemas.ThreadObserved) {
	for key, ok := s.object(); ok; key, ok = s.key() {
		switch string(key) {
		case "conversationId":
			o.ConversationId = string(s.str())
		case "observedAt":
			o.ObservedAtMs, _ = s.whole()
		case "startedAt":
			o.StartedAtMs = instant(s)
		case "endedAt":
			o.EndedAtMs = instant(s)
		case "queueId":
			o.QueueId = string(s.str())
		case "queueName":
			o.QueueName = string(s.str())
		case "agent":
			o.Agent = readAgent(s)
		case "messages":
			o.Messages = readMessages(s)
		default:
			s.skip()
		}
	}
}

// readAgent returns nil for null and for an agent who is nobody.
func readAgent(s *scanner) *schemas.Agent {
	if s.peek() == 'n' {
		s.skip()
		return nil
	}
	a := &schemas.Agent{}
	for key, ok := s.object(); ok; key, ok = s.key() {
		switch string(key) {
		case "id":
			a.Id = string(s.str())
		case "name":
			a.Name = string(s.str())
		case "participantId":
			a.ParticipantId = string(s.str())
		case "state":
			a.State = word(s)
		case "since":
			a.SinceMs = instant(s)
		default:
			s.skip()
		}
	}
	if a.Id == "" && a.Name == "" {
		return nil
	}
	return a
}

func readMessages(s *scanner) []*schemas.ThreadMessage {
	var all []*schemas.ThreadMessage
	for ok := s.array(); ok; ok = s.element() {
		var at *int64
		m := &schemas.ThreadMessage{}
		for key, ok := s.object(); ok; key, ok = s.key() {
			switch string(key) {
			case "at":
				at = instant(s)
			case "by":
				m.By = authors[string(s.str())]
			default:
				s.skip()
			}
		}
		if at == nil || m.By == schemas.Author_AUTHOR_UNSPECIFIED {
			s.mistyped = true
			continue
		}
		m.AtMs = *at
		all = append(all, m)
	}
	return all
}

// instant reads milliseconds since the Unix epoch, nil for null.
func instant(s *scanner) *int64 {
	null := s.peek() == 'n'
	ms, ok := s.whole()
	if null {
		return nil
	}
	if !ok || !Plausible(ms) {
		s.mistyped = true
		return nil
	}
	return &ms
}
