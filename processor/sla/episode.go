package sla

import (
	"cmp"
	"slices"

	"unpark/schemas"
)

// Directions of an episode.
const (
	inbound  = "inbound"
	outbound = "outbound"
)

// startedAt is the earliest start known of the episode (SLA.md section 2).
func startedAt(ep *schemas.Episode) int64 {
	at := ep.FirstStart.GetAtMs()
	if ep.ObservedStartMs != nil && *ep.ObservedStartMs < at {
		return *ep.ObservedStartMs
	}
	return at
}

// direction is that of the earliest start; anything but outbound is inbound.
func direction(ep *schemas.Episode) string {
	if ep.FirstStart.GetValue() == outbound {
		return outbound
	}
	return inbound
}

// observation returns the newest observation if it belongs to the episode, else
// nil.
func observation(ep *schemas.Episode) *schemas.ThreadObserved {
	if o := ep.Observation; o != nil && o.ObservedAtMs >= startedAt(ep) {
		return o
	}
	return nil
}

// endedAt says whether the episode is stopped, and since when (SLA.md section 2,
// "Stopped").
func endedAt(ep *schemas.Episode) (at int64, stopped bool) {
	over := observation(ep)
	if over != nil && over.EndedAtMs == nil {
		over = nil
	}
	if over != nil && !startedAfter(ep, *over.EndedAtMs) {
		return *over.EndedAtMs, true
	}
	// end is the session's end; what had started before the conversation was seen
	// over is over with it.
	end := func(s *schemas.Session) (int64, bool) {
		switch {
		case s.EndedAtMs != nil:
			return *s.EndedAtMs, true
		case over != nil && s.StartedAtMs != nil && *s.StartedAtMs <= *over.EndedAtMs:
			return *over.EndedAtMs, true
		}
		return 0, false
	}
	last, customers := int64(0), false
	for _, s := range ep.Sessions {
		if s.Kind != schemas.SessionKind_SESSION_KIND_CUSTOMER {
			continue
		}
		at, closed := end(s)
		if !closed {
			return 0, false
		}
		last, customers = max(last, at), true
	}
	latest := last
	for _, s := range ep.Sessions {
		if customers && (s.StartedAtMs == nil || *s.StartedAtMs <= last) {
			continue
		}
		at, closed := end(s)
		if !closed {
			return 0, false
		}
		latest = max(latest, at)
	}
	return latest, true
}

// endIsSure reports whether the customer's session or the API told the end.
func endIsSure(ep *schemas.Episode) bool {
	if o := observation(ep); o != nil && o.EndedAtMs != nil {
		return true
	}
	return slices.ContainsFunc(ep.Sessions, func(s *schemas.Session) bool { return s.Kind == schemas.SessionKind_SESSION_KIND_CUSTOMER })
}

func startedAfter(ep *schemas.Episode, at int64) bool {
	for _, s := range ep.Sessions {
		if s.StartedAtMs != nil && *s.StartedAtMs > at {
			return true
		}
	}
	return false
}

// running reports whether the episode is open and not stopped.
func running(ep *schemas.Episode) bool {
	if !ep.GetOpened() {
		return false
	}
	_, stopped := endedAt(ep)
	return !stopped
}

// carryOver returns what is known of the time after an episode's end, for the
// next one; nil if that is nothing. It shares nothing with the episode, which may be
// kept as well.
func carryOver(ep *schemas.Episode, end int64) *schemas.Episode {
	next := &schemas.Episode{}
	for _, s := range ep.Sessions {
		if s.EndedAtMs != nil && *s.EndedAtMs > end {
			ended := s.CloneVT()
			ended.StartedAtMs = nil // that it began belongs to this episode
			next.Sessions = append(next.Sessions, ended)
		}
	}
	for key, f := range ep.Attributes {
		if f.AtMs > end {
			setAttribute(next, key, f.CloneVT())
		}
	}
	after := func(f *schemas.Fact) *schemas.Fact {
		if f != nil && f.AtMs > end {
			return f.CloneVT()
		}
		return nil
	}
	next.Division, next.Media, next.MessageType = after(ep.Division), after(ep.Media), after(ep.MessageType)
	if o := ep.Observation; o != nil && o.ObservedAtMs > end {
		next.Observation = o.CloneVT()
		if o.StartedAtMs != nil && *o.StartedAtMs > end {
			next.ObservedStartMs = o.StartedAtMs
		}
	}
	if !hasFacts(next) {
		return nil
	}
	return next
}

// absorb adds the facts of an episode that was not opened.
func absorb(ep, more *schemas.Episode) {
	for _, m := range more.Sessions {
		if s := session(ep, m.Id, m.Kind); s != nil {
			s.EndedAtMs = later(s.EndedAtMs, *m.EndedAtMs)
			s.QueueId, s.UserId = cmp.Or(s.QueueId, m.QueueId), cmp.Or(s.UserId, m.UserId)
		}
	}
	for key, f := range more.Attributes {
		setAttribute(ep, key, f)
	}
	add := func(to **schemas.Fact, f *schemas.Fact) {
		if f != nil {
			newest(to, nil, f.Value, f.AtMs, f.SessionId)
		}
	}
	add(&ep.Division, more.Division)
	add(&ep.Media, more.Media)
	add(&ep.MessageType, more.MessageType)
	if more.ObservedStartMs != nil && (ep.ObservedStartMs == nil || *more.ObservedStartMs < *ep.ObservedStartMs) {
		ep.ObservedStartMs = more.ObservedStartMs
	}
	if o := more.Observation; o != nil && (ep.Observation == nil || o.ObservedAtMs >= ep.Observation.ObservedAtMs) {
		ep.Observation = o
	}
}

func hasFacts(ep *schemas.Episode) bool {
	return ep.Opened || len(ep.Sessions) > 0 || len(ep.Attributes) > 0 || ep.Observation != nil ||
		ep.Division != nil || ep.Media != nil || ep.MessageType != nil
}

// forget drops what waits for an episode and is older than late; it returns the
// instant at which the next of it is to be dropped, and the episode (nil if
// nothing is left).
func forget(ep *schemas.Episode, now, late int64) (*schemas.Episode, int64, bool) {
	next, some := int64(0), false
	// keep reports whether a fact of time at is kept, and remembers its end.
	keep := func(at int64) bool {
		until := at + late
		if until <= now {
			return false
		}
		if !some || until < next {
			next, some = until, true
		}
		return true
	}
	fact := func(f *schemas.Fact) *schemas.Fact {
		if f != nil && keep(f.AtMs) {
			return f
		}
		return nil
	}
	kept := ep.Sessions[:0]
	for _, s := range ep.Sessions {
		if keep(s.GetEndedAtMs()) {
			kept = append(kept, s)
		}
	}
	ep.Sessions = kept
	for key, f := range ep.Attributes {
		if !keep(f.AtMs) {
			delete(ep.Attributes, key)
		}
	}
	ep.Division, ep.Media, ep.MessageType = fact(ep.Division), fact(ep.Media), fact(ep.MessageType)
	if ep.Observation != nil && !keep(ep.Observation.ObservedAtMs) {
		ep.Observation, ep.ObservedStartMs = nil, nil
	}
	if !hasFacts(ep) {
		return nil, 0, false
	}
	return ep, next, true
}
