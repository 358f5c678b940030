package genesys

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"unpark/connectors/genesys/api"
	"unpark/schemas"
)

// session is a leg of a conversation as the analytics have it, without addresses.
type session struct {
	id, participant, user, queue  string
	media, messageType, direction string
	topics                        legTopics
	start, end                    time.Time // end is zero while it is open
}

// legTopics are the events that a session's start and end are told by.
type legTopics struct{ start, end schemas.EventTopic }

var (
	customerTopics = legTopics{schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END}
	acdTopics      = legTopics{schemas.EventTopic_EVENT_TOPIC_ACD_START, schemas.EventTopic_EVENT_TOPIC_ACD_END}
	userTopics     = legTopics{schemas.EventTopic_EVENT_TOPIC_USER_START, schemas.EventTopic_EVENT_TOPIC_USER_END}
	flowTopics     = legTopics{schemas.EventTopic_EVENT_TOPIC_FLOW_START, schemas.EventTopic_EVENT_TOPIC_FLOW_END}
)

// topicsOf are the topics by the purpose of a participant. The others have none.
var topicsOf = map[string]legTopics{
	"customer": customerTopics, "external": customerTopics, "acd": acdTopics,
	"agent": userTopics, "user": userTopics, "workflow": flowTopics, "botflow": flowTopics,
}

func (s session) open() bool     { return s.end.IsZero() }
func (s session) customer() bool { return s.topics == customerTopics }

// sessionsOf returns a conversation's sessions of e-mails and messages, by their
// start.
func sessionsOf(c *api.AnalyticsConversation) []session {
	var all []session
	for i := range c.Participants {
		p := &c.Participants[i]
		topics, ok := topicsOf[strings.ToLower(p.Purpose)]
		if !ok {
			continue
		}
		for j := range p.Sessions {
			if s, ok := readSession(p, &p.Sessions[j]); ok {
				s.topics = topics
				all = append(all, s)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b session) int { return cmp.Or(a.start.Compare(b.start), cmp.Compare(a.id, b.id)) })
	return all
}

// readSession reads a session from its segments. The wrap-up is none of its own:
// the agent's part is over when it begins.
func readSession(p *api.AnalyticsParticipant, a *api.AnalyticsSession) (session, bool) {
	s := session{
		id: a.SessionId, participant: p.ParticipantId, user: p.UserId,
		media: strings.ToLower(a.MediaType), messageType: strings.ToLower(a.MessageType), direction: strings.ToLower(a.Direction),
	}
	if s.id == "" || s.media != mediaEmail && s.media != mediaMessage {
		return session{}, false
	}
	var last api.AnalyticsSegment
	for _, g := range a.Segments {
		if g.SegmentStart.IsZero() || strings.EqualFold(g.SegmentType, "wrapup") {
			continue
		}
		if s.start.IsZero() || g.SegmentStart.Before(s.start) {
			s.start = g.SegmentStart.Time
		}
		if !g.SegmentStart.Before(last.SegmentStart.Time) {
			last = g
		}
		s.queue = cmp.Or(g.QueueId, s.queue)
	}
	s.end = last.SegmentEnd.Time
	return s, !s.start.IsZero()
}

// over says whether the sessions have all ended as SLA.md 2 has it ("Stopped"), and
// when: those of the customer, and what began after the last of them.
func over(all []session) (end time.Time, over bool) {
	customers := false
	for _, s := range all {
		if !s.customer() {
			continue
		}
		if s.open() {
			return time.Time{}, false
		}
		customers, end = true, latest(end, s.end)
	}
	last := end
	for _, s := range all {
		if customers && !s.start.After(last) {
			continue
		}
		if s.open() {
			return time.Time{}, false
		}
		end = latest(end, s.end)
	}
	return end, true
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// current returns the newest episode's sessions: since the last start that came
// later than settle after everything before it was over.
func current(all []session, settle time.Duration) []session {
	first := 0
	for i := 1; i < len(all); i++ {
		if end, over := over(all[first:i]); over && all[i].start.After(end.Add(settle)) {
			first = i
		}
	}
	return all[first:]
}
