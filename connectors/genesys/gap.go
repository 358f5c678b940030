package genesys

import (
	"hash/fnv"
	"slices"
	"time"

	"unpark/schemas"
)

// gap is what the processor does not know of a conversation that is open.
type gap struct {
	openConversation
	since time.Time // the start of its episode
	// unknown: the processor has no episode. If it has one, it lacks single starts
	// and ends.
	unknown bool
	// closed: the processor has closed it, and would pass over the starts as they are.
	closed bool
	ends   []session // of sessions that the processor has open
	starts []session // of sessions that are open, or whose end the processor has
	past   []session // neither start nor end is known
}

func (g gap) empty() bool { return len(g.starts)+len(g.ends)+len(g.past) == 0 }

// gapOf compares a conversation with the processor's state of it; nil: there is
// none. Facts later than before are left out if the processor has the episode: their
// events are on the way.
func gapOf(o openConversation, st *schemas.ConversationState, settle time.Duration, before time.Time) (gap, bool) {
	g := gap{openConversation: o}
	episode := current(o.sessions, settle)
	if _, over := over(episode); over { // or nothing is known of it that counts
		return g, false
	}
	known := make(map[string]*schemas.Session)
	for _, s := range st.GetEpisode().GetSessions() {
		known[s.Id] = s
	}
	g.unknown, g.since = !st.GetEpisode().GetOpened(), episode[0].start
	for _, s := range o.sessions {
		if k := known[s.id]; k != nil && k.EndedAtMs == nil && !s.open() && s.end.Before(before) {
			g.ends = append(g.ends, s)
		}
	}
	for _, s := range episode {
		k := known[s.id]
		switch {
		case k != nil && k.StartedAtMs != nil, slices.Contains(st.GetEpisode().GetRetiredSessions(), sessionHash(s.id)):
		case !g.unknown && !s.start.Before(before):
		case passedOver(st, s):
			if g.closed = true; s.open() {
				s.start = time.UnixMilli(*st.ClosedAtMs + 1)
				g.starts = append(g.starts, s)
			}
		case s.open() || k != nil:
			g.starts = append(g.starts, s)
		default:
			g.past = append(g.past, s)
		}
	}
	slices.SortStableFunc(g.starts, func(a, b session) int { return rank(a) - rank(b) })
	return g, !g.empty()
}

// rank puts what leaves a conversation open first, and of that the customer's.
func rank(s session) int {
	switch {
	case s.open() && s.customer():
		return 0
	case s.open():
		return 1
	}
	return 2
}

// passedOver says that the processor counts a start to an episode that it has closed,
// and does not take the close back for it (SLA.md 2, DECISIONS.md). What is open all
// the same is then told as open since just after.
func passedOver(st *schemas.ConversationState, s session) bool {
	at, u := s.start.UnixMilli(), st.GetUnsure()
	takenBack := u != nil && !st.GetEpisode().GetOpened() && (u.ClosedAtMs == nil || at > *u.ClosedAtMs)
	return at <= st.GetClosedAtMs() && !takenBack
}

// sessionHash is the hash of a session that a state no longer holds whole.
func sessionHash(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return h.Sum64()
}

// facts returns what is missing as the events that would have told it, in an order
// in which each of them leaves a conversation that is open, and begins no earlier
// than it does: the processor may judge between any two.
func (g gap) facts(org string) []*schemas.InputRecord {
	var facts []*schemas.InputRecord
	for _, s := range g.ends {
		facts = append(facts, g.event(org, s, s.topics.end, s.end))
	}
	for _, s := range g.starts {
		facts = append(facts, g.event(org, s, s.topics.start, s.start))
	}
	for _, s := range g.past {
		facts = append(facts, g.event(org, s, s.topics.end, s.end), g.event(org, s, s.topics.start, s.start))
	}
	return facts
}

// event is a session's start or end as the bridge would have written it.
func (g gap) event(org string, s session, topic schemas.EventTopic, at time.Time) *schemas.InputRecord {
	e := &schemas.ConversationEvent{
		OrgId: org, ConversationId: g.id, Topic: topic, EventTimeMs: at.UnixMilli(), ParticipantId: s.participant, SessionId: s.id,
		MediaType: s.media, MessageType: s.messageType, Direction: s.direction, DivisionId: g.division,
	}
	if s.topics == acdTopics || s.topics == userTopics {
		e.QueueId = s.queue
	}
	if s.topics == userTopics {
		e.UserId = s.user
	}
	return &schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: e}}
}
