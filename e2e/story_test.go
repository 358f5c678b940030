package e2e

import (
	"fmt"
	"time"
)

// story is one conversation: what Genesys says of it, and what must be told. It
// is told rightly whatever the order in which its events arrive, in one of two
// ways: either all its sessions begin at one instant and nothing takes back what
// falls due, or nothing falls due before all of it has been sent, and then the
// progress of the source holds it back until all of it has been read.
type story struct {
	org, id   string
	media     string
	direction string
	agent     string
	begun     time.Time

	events []envelope   // in the order in which they happened
	last   []envelope   // sent when everything else has been
	want   []escalation // what must be told
}

func newStory(org, id string) *story {
	return &story{org: org, id: id, media: "MESSAGE", direction: "INBOUND", agent: "agent-of-" + id}
}

func detailType(suffix string) string { return "v2.detail.events.conversation.{id}." + suffix }

func (s *story) topicName(suffix string) string {
	return "v2.detail.events.conversation." + s.id + "." + suffix
}

func (s *story) common(session string, at time.Time) map[string]any {
	body := map[string]any{
		"eventTime": at.UnixMilli(), "conversationId": s.id, "participantId": s.id + "/p/" + session, "sessionId": s.id + "/" + session,
		"mediaType": s.media, "direction": s.direction, "provider": "PureCloud Messaging", "addressFrom": customerAddress,
		"subject": subjectLine, "conversationExternalContactIds": []string{"contact-1"},
	}
	if s.media == "MESSAGE" {
		body["messageType"] = "WHATSAPP"
	}
	return body
}

func (s *story) envelope(suffix, session string, at time.Time) envelope {
	body := s.common(session, at)
	switch suffix {
	case "user.start", "user.end":
		body["userId"], body["queueId"] = s.agent, "queue-1"
	case "acd.start", "acd.end":
		body["queueId"], body["divisionId"] = "queue-1", "division-1"
	case "customer.end":
		body["disconnectType"] = "PEER"
	}
	return newEnvelope(s.org, detailType(suffix), s.topicName(suffix), at, body)
}

func (s *story) event(suffix, session string, at time.Time) {
	s.events = append(s.events, s.envelope(suffix, session, at))
}

func (s *story) attributes(at time.Time) {
	s.events = append(s.events, newEnvelope(s.org, detailType("attributes"), s.topicName("attributes"), at, map[string]any{
		"eventTime": at.UnixMilli(), "conversationId": s.id, "participantId": s.id + "/p/customer",
		"attributes": map[string]string{"vip": "yes", "name": customerAddress}, "communications": []map[string]string{{"id": "c", "mediaType": s.media}},
	}))
}

// message is one of a thread.
type message struct {
	at time.Time
	by string
}

func (s *story) observed(at time.Time, thread ...message) {
	var messages []map[string]any
	for _, m := range thread {
		messages = append(messages, map[string]any{"at": m.at.UnixMilli(), "by": m.by})
	}
	s.events = append(s.events, newEnvelope(s.org, "unpark.thread.observed", "unpark.thread.observed", at, map[string]any{
		"conversationId": s.id, "observedAt": at.UnixMilli(), "queueId": "queue-1",
		"agent": map[string]any{"id": s.agent, "name": s.agent, "state": "parked"}, "messages": messages,
	}))
}

// due notes that tiers of the wait that began at start are told.
func (s *story) due(start time.Time, tiers ...tier) {
	media := "message"
	if s.media == "EMAIL" {
		media = "email"
	}
	for _, t := range tiers {
		s.want = append(s.want, raised(s.org, s.id, media, start, t))
	}
}

// line is how a warning begins that names the agent.
func (s *story) line() string {
	return fmt.Sprintf("SLA WARNING: Conversation %s has been open for 3.5 hours. It is currently locked by agent %s. Please intervene.", s.id, s.agent)
}

// routed tells the usual beginning: the customer comes, waits in a queue, and an
// agent takes it, each step a while after the last.
func (s *story) routed(at time.Time, step time.Duration) {
	s.event("customer.start", "customer", at)
	s.event("acd.start", "acd", at.Add(step))
	s.attributes(at.Add(2 * step))
	s.event("user.start", "agent", at.Add(3*step))
	s.event("acd.end", "acd", at.Add(3*step+10*time.Millisecond))
}

// Plots. Those of the first group are right however the events are ordered; those
// of the second only while nothing falls due before the last of them was sent.

// parked: an agent took it and forgot it; all has been due for long.
func parked(s *story, at time.Time) {
	s.routed(at, 0)
	s.due(at, warning, breach)
}

// silent: the agent wrote first, the customer answered and waits since.
func silent(s *story, at time.Time) {
	s.direction = "OUTBOUND"
	s.event("user.start", "agent", at)
	s.event("customer.start", "customer", at.Add(time.Minute))
	wrote := at.Add(10 * time.Minute)
	s.observed(at.Add(15*time.Minute), message{at, "agent"}, message{wrote, "customer"})
	s.due(wrote, warning, breach)
}

// stranger: like parked, of an org that promised nothing.
func stranger(s *story, at time.Time) {
	s.org = "00000000-0000-4000-8000-000000000000" // has no file
	s.routed(at, 0)
}

// crossing: like parked, the warning due for long, the breach about to be.
func crossing(s *story, at time.Time) { parked(s, at.Add(warning.at-breach.at)) }

// young: nothing will be due for minutes; some of these are over already.
func young(s *story, at time.Time) {
	s.routed(at, 7*time.Second)
	if at.UnixMilli()%2 == 0 {
		s.event("user.end", "agent", at.Add(20*time.Minute))
		s.event("customer.end", "customer", at.Add(20*time.Minute+time.Second))
	}
}

// spoken is no e-mail or message and counts for nothing.
func spoken(s *story, at time.Time) {
	s.media = "VOICE"
	s.routed(at, time.Second)
}

// waiting: nobody answers; the warning is about to be due.
func waiting(s *story, at time.Time) {
	s.media = "EMAIL"
	s.routed(at, 900*time.Millisecond)
	s.due(at, warning)
}

// over: the customer left hours ago, which is the last that arrives.
func over(s *story, at time.Time) {
	s.routed(at, 5*time.Second)
	s.event("user.end", "agent", at.Add(time.Hour))
	s.last = append(s.last, s.envelope("customer.end", "customer", at.Add(90*time.Minute)))
}

// answered: a look at the thread found that the agent has answered.
func answered(s *story, at time.Time) {
	s.routed(at, time.Second)
	s.observed(at.Add(2*time.Hour), message{at, "customer"}, message{at.Add(time.Hour), "agent"})
}

// again: answered at once, and asked again; that second question is about to be
// due.
func again(s *story, at time.Time) {
	asked := at.Add(4 * time.Second)
	s.routed(at, 100*time.Millisecond)
	s.observed(at.Add(time.Minute), message{at, "customer"}, message{at.Add(2 * time.Second), "agent"}, message{asked, "customer"})
	s.due(asked, warning)
}
