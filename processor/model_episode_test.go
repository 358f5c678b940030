package processor_test

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"unpark/schemas"
)

const forever int64 = math.MaxInt64

// modelEpisode answers questions about an episode from all that was heard of it
// (SLA.md sections 2, 3 and 7).
type modelEpisode struct {
	events       []*schemas.ConversationEvent
	observations []*schemas.ThreadObserved
	previousEnd  *int64
}

// modelSession is one session of a leg, "opened by its .start, closed by its
// .end, whichever order they arrive in" (1).
type modelSession struct {
	id, queue, user string
	leg             string
	start, end      *int64
}

func (s *modelSession) isOpen() bool { return s.start != nil && s.end == nil }

// leg splits a topic into leg and verb; sessions are those "of a customer, acd,
// user (agent) or flow leg" (1).
func leg(e *schemas.ConversationEvent) (leg, verb string) {
	name := strings.ToLower(strings.TrimPrefix(e.GetTopic().String(), "EVENT_TOPIC_"))
	leg, verb, _ = strings.Cut(name, "_")
	if slices.Contains([]string{"customer", "acd", "user", "flow"}, leg) && (verb == "start" || verb == "end") {
		return leg, verb
	}
	return "", ""
}

func isCustomerStart(in *schemas.InputRecord) bool {
	return in.GetEvent().GetTopic() == schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START
}

func isStart(in *schemas.InputRecord) bool {
	if e := in.GetEvent(); e != nil {
		_, verb := leg(e)
		return verb == "start"
	}
	return false
}

// later orders events by time: "Ties of the same millisecond go to the greater
// sessionId" (2).
func later(a, b *schemas.ConversationEvent) int {
	return cmp.Or(cmp.Compare(a.EventTimeMs, b.EventTimeMs), cmp.Compare(a.SessionId, b.SessionId))
}

func (e *modelEpisode) starts() []*schemas.ConversationEvent {
	var starts []*schemas.ConversationEvent
	for _, event := range e.events {
		if _, verb := leg(event); verb == "start" {
			starts = append(starts, event)
		}
	}
	return starts
}

// open: "A .start opens an episode when none is open. An .end never opens one"
// (2).
func (e *modelEpisode) open() bool { return len(e.starts()) > 0 }

// startedAt: "the earliest event time of the episode's .start events and of an
// observation's startedAt" (2).
func (e *modelEpisode) startedAt() int64 {
	at := forever
	for _, s := range e.starts() {
		at = min(at, s.EventTimeMs)
	}
	for _, o := range e.observations {
		if o.StartedAtMs != nil {
			at = min(at, *o.StartedAtMs)
		}
	}
	return at
}

// outbound: "The episode's direction is that of the earliest .start; anything
// but OUTBOUND is INBOUND" (2), and a tie goes to the greater sessionId.
func (e *modelEpisode) outbound() bool {
	first := slices.MinFunc(e.starts(), func(a, b *schemas.ConversationEvent) int {
		return cmp.Or(cmp.Compare(a.EventTimeMs, b.EventTimeMs), cmp.Compare(b.SessionId, a.SessionId))
	})
	return first.Direction == "outbound"
}

// sessions: "facts are sets (session opened at, closed at)", "of two .ends of one
// session the later counts" (2).
func (e *modelEpisode) sessions() []*modelSession {
	var sessions []*modelSession
	for _, event := range e.events {
		leg, verb := leg(event)
		if leg == "" {
			continue
		}
		i := slices.IndexFunc(sessions, func(s *modelSession) bool { return s.id == event.SessionId })
		if i < 0 {
			i = len(sessions)
			sessions = append(sessions, &modelSession{id: event.SessionId, leg: leg})
		}
		s, at := sessions[i], event.EventTimeMs
		if verb == "start" && (s.start == nil || at < *s.start) {
			s.start = &at
		}
		if verb == "end" && (s.end == nil || at > *s.end) {
			s.end = &at
		}
		s.queue, s.user = cmp.Or(s.queue, event.QueueId), cmp.Or(s.user, event.UserId)
	}
	return sessions
}

// stopped returns endedAt while the episode is stopped (2).
func (e *modelEpisode) stopped() (endedAt int64, stopped bool) {
	if !e.open() {
		return 0, false
	}
	// "If the newest observation carries endedAt, that is the end; only a .start
	// after it or a newer observation without endedAt sets the episode running
	// again." What was open before that end is over even then: only what started
	// after it can still be open.
	sessions := e.sessions()
	if o := e.newest(); o != nil && o.EndedAtMs != nil {
		end := *o.EndedAtMs
		if !slices.ContainsFunc(e.starts(), func(s *schemas.ConversationEvent) bool { return s.EventTimeMs > end }) {
			return end, true
		}
		for _, s := range sessions {
			if s.isOpen() && *s.start <= end {
				s.end = &end
			}
		}
	}
	customers := slices.DeleteFunc(slices.Clone(sessions), func(s *modelSession) bool { return s.leg != "customer" })
	// "If no customer session is known: all known sessions are closed, at the
	// latest of their ends."
	if len(customers) == 0 {
		return allClosed(sessions)
	}
	// "At least one customer session is known, all known customer sessions are
	// closed, and no session of any kind that started after the last of those ends
	// is open; endedAt = the latest end of all these. A session known only by its
	// .end counts as known."
	last, ok := allClosed(customers)
	if !ok {
		return 0, false
	}
	after := slices.DeleteFunc(sessions, func(s *modelSession) bool { return s.start == nil || *s.start <= last })
	if len(after) == 0 {
		return last, true
	}
	end, ok := allClosed(after)
	return max(last, end), ok
}

func allClosed(sessions []*modelSession) (lastEnd int64, ok bool) {
	for _, s := range sessions {
		if s.end == nil {
			return 0, false
		}
		lastEnd = max(lastEnd, *s.end)
	}
	return lastEnd, true
}

// newest is the newest observation of the episode: "An observation belongs to
// the episode if observedAt >= startedAt" (3); of the same observedAt, "the one
// that arrived later" (2).
func (e *modelEpisode) newest() *schemas.ThreadObserved {
	var newest *schemas.ThreadObserved
	for _, o := range e.observations {
		if o.ObservedAtMs >= e.startedAt() && (newest == nil || o.ObservedAtMs >= newest.ObservedAtMs) {
			newest = o
		}
	}
	return newest
}
