package sla

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"unpark/schemas"
)

// Bounds of a state, whatever a conversation does.
const (
	maxSessions  = 64   // sessions kept whole; of the others a hash
	maxRetired   = 1024 // hashes
	maxAttribute = 1024 // bytes of an attribute's value; of a longer one the first are kept, to match nothing
)

// sessionKind returns the leg whose session the topic opens or closes; ok is false
// if it does neither.
func sessionKind(topic schemas.EventTopic) (kind schemas.SessionKind, ok bool) {
	switch topic {
	case schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END:
		return schemas.SessionKind_SESSION_KIND_CUSTOMER, true
	case schemas.EventTopic_EVENT_TOPIC_ACD_START, schemas.EventTopic_EVENT_TOPIC_ACD_END:
		return schemas.SessionKind_SESSION_KIND_ACD, true
	case schemas.EventTopic_EVENT_TOPIC_USER_START, schemas.EventTopic_EVENT_TOPIC_USER_END:
		return schemas.SessionKind_SESSION_KIND_USER, true
	case schemas.EventTopic_EVENT_TOPIC_FLOW_START, schemas.EventTopic_EVENT_TOPIC_FLOW_END:
		return schemas.SessionKind_SESSION_KIND_FLOW, true
	}
	return 0, false
}

// isStart reports whether the event opens a session.
func isStart(e *schemas.ConversationEvent) bool {
	switch e.Topic {
	case schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_ACD_START,
		schemas.EventTopic_EVENT_TOPIC_USER_START, schemas.EventTopic_EVENT_TOPIC_FLOW_START:
		return true
	}
	return false
}

// counted reports whether the event is of a medium that has clocks.
func counted(e *schemas.ConversationEvent) bool {
	counts := func(media string) bool { return media == "email" || media == "message" }
	if e.Topic == schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES {
		return len(e.CommunicationMedia) == 0 || slices.ContainsFunc(e.CommunicationMedia, counts)
	}
	return counts(e.MediaType)
}

// episodeRoom is the memory of an episode and of what its first event tells, so that it is
// one allocation.
type episodeRoom struct {
	ep       schemas.Episode
	facts    [4]schemas.Fact // division, media, message type, first start
	used     int             // of the facts
	sessions [usualSessions]*schemas.Session
}

// usualSessions is how many sessions a usual episode has at most.
const usualSessions = 4

func newEpisode() (*schemas.Episode, *episodeRoom) {
	r := &episodeRoom{}
	r.ep.Sessions = r.sessions[:0]
	return &r.ep, r
}

// fact returns the memory of a fact.
func (r *episodeRoom) fact() *schemas.Fact {
	if r == nil || r.used == len(r.facts) {
		return &schemas.Fact{}
	}
	r.used++
	return &r.facts[r.used-1]
}

// learn adds an event to the facts of the episode. Facts are sets and newest
// values: in any order, any number of times, the result is the same. r is nil but for
// an episode's first event.
func learn(ep *schemas.Episode, r *episodeRoom, e *schemas.ConversationEvent, rules *RuleSet) {
	at := e.EventTimeMs
	newest(&ep.Division, r, e.DivisionId, at, e.SessionId)
	newest(&ep.Media, r, e.MediaType, at, e.SessionId)
	newest(&ep.MessageType, r, e.MessageType, at, e.SessionId)
	for key, value := range e.Attributes {
		if rules.Keeps(key) {
			if len(value) > maxAttribute {
				value = strings.ToValidUTF8(value[:maxAttribute], "") + "…"
			}
			setAttribute(ep, key, &schemas.Fact{Value: value, AtMs: at})
		}
	}
	kind, ok := sessionKind(e.Topic)
	if !ok {
		return
	}
	if !isStart(e) {
		if s := session(ep, e.SessionId, kind); s != nil {
			s.EndedAtMs = later(s.EndedAtMs, at)
			s.QueueId, s.UserId = cmp.Or(s.QueueId, e.QueueId), cmp.Or(s.UserId, e.UserId)
		}
		return
	}
	ep.Opened = true
	first := ep.FirstStart
	if first == nil || at < first.AtMs || at == first.AtMs && e.SessionId > first.SessionId {
		first = r.fact()
		ep.FirstStart = first
		first.Value, first.AtMs, first.SessionId = e.Direction, at, e.SessionId
	}
	if kind == schemas.SessionKind_SESSION_KIND_ACD || kind == schemas.SessionKind_SESSION_KIND_USER {
		newest(&ep.Queue, r, e.QueueId, at, e.SessionId)
	}
	if s := session(ep, e.SessionId, kind); s != nil {
		if s.StartedAtMs == nil || at < *s.StartedAtMs {
			s.StartedAtMs = set(s.StartedAtMs, at)
		}
		s.QueueId, s.UserId = cmp.Or(e.QueueId, s.QueueId), cmp.Or(e.UserId, s.UserId)
	}
}

func later(old *int64, at int64) *int64 {
	if old != nil && *old >= at {
		return old
	}
	return set(old, at)
}

// set changes the time of a session, whose memory nothing else uses.
func set(old *int64, at int64) *int64 {
	if old == nil {
		old = new(int64)
	}
	*old = at
	return old
}

// newest keeps the value with the latest event time; of one millisecond that of
// the greater session.
func newest(f **schemas.Fact, r *episodeRoom, value string, at int64, session string) {
	if value == "" {
		return
	}
	old := *f
	if old == nil {
		*f = r.fact()
	} else if at < old.AtMs || at == old.AtMs && session <= old.SessionId {
		return
	}
	(*f).Value, (*f).AtMs, (*f).SessionId = value, at, session
}

func setAttribute(ep *schemas.Episode, key string, f *schemas.Fact) {
	old, ok := ep.Attributes[key]
	if ok && (f.AtMs < old.AtMs || f.AtMs == old.AtMs && f.Value <= old.Value) {
		return
	}
	if ep.Attributes == nil {
		ep.Attributes = make(map[string]*schemas.Fact)
	}
	ep.Attributes[key] = f
}

// observe adds an observation: the newest is kept, and the earliest start that
// any of them told.
func observe(ep *schemas.Episode, o *schemas.ThreadObserved, closedAt *int64) {
	if o.StartedAtMs != nil && (closedAt == nil || *o.StartedAtMs > *closedAt) &&
		(ep.ObservedStartMs == nil || *o.StartedAtMs < *ep.ObservedStartMs) {
		ep.ObservedStartMs = o.StartedAtMs
	}
	if ep.Observation == nil || o.ObservedAtMs >= ep.Observation.ObservedAtMs {
		var counts func(*schemas.ThreadMessage) bool
		if ep.FirstStart != nil {
			started := startedAt(ep)
			counts = func(m *schemas.ThreadMessage) bool { return belongs(m, started, closedAt) }
		}
		ep.Observation = compact(o, counts)
		ep.Observation.RequestId = "" // what it answers is settled
	}
}

// session returns the session, added if it is new; nil if it was retired.
func session(ep *schemas.Episode, id string, kind schemas.SessionKind) *schemas.Session {
	for _, s := range ep.Sessions {
		if s.Id == id {
			return s
		}
	}
	if len(ep.RetiredSessions) > 0 && slices.Contains(ep.RetiredSessions, hash(id)) {
		return nil
	}
	s := &schemas.Session{Id: id, Kind: kind}
	ep.Sessions = append(ep.Sessions, s)
	return s
}

// retire bounds the sessions: of the closed ones that ended first only a hash is
// kept, so that a repeated start does not open them again. The customer's newest
// end stays, since it decides whether the episode is over.
func retire(ep *schemas.Episode) {
	for len(ep.Sessions) > maxSessions {
		i := oldestSession(ep.Sessions)
		ep.RetiredSessions = append(ep.RetiredSessions, hash(ep.Sessions[i].Id))
		ep.Sessions = slices.Delete(ep.Sessions, i, i+1)
	}
	if n := len(ep.RetiredSessions) - maxRetired; n > 0 {
		ep.RetiredSessions = slices.Delete(ep.RetiredSessions, 0, n)
	}
}

// oldestSession picks the closed session that ended first and is not the
// customer's newest; with none closed, the open one of an agent, queue or flow
// that started first.
func oldestSession(sessions []*schemas.Session) int {
	newestCustomer, customer := -1, schemas.SessionKind_SESSION_KIND_CUSTOMER
	for i, s := range sessions {
		if s.Kind == customer && (newestCustomer < 0 || s.GetEndedAtMs() >= sessions[newestCustomer].GetEndedAtMs()) {
			newestCustomer = i
		}
	}
	pick, pickAt := 0, int64(math.MaxInt64)
	for i, s := range sessions {
		at := s.GetEndedAtMs()
		if s.EndedAtMs == nil {
			at = never + s.GetStartedAtMs()
		}
		if i != newestCustomer && at < pickAt {
			pick, pickAt = i, at
		}
	}
	return pick
}

// hash is 64-bit FNV-1a.
func hash(id string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	return h
}
