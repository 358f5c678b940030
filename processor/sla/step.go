package sla

import (
	"unpark/schemas"
)

// Input is what a step is about: an event, something that Genesys was asked for, or
// neither (a look that fell due).
type Input struct {
	Event    *schemas.ConversationEvent
	Observed *schemas.ThreadObserved
	Failed   *schemas.CheckFailed
	Done     *schemas.ActionDone
	// Rejudge judges what is raised by rules that have changed.
	Rejudge bool
}

// Env is what a step may look at besides the state. Instants are epoch
// milliseconds.
type Env struct {
	// Now is the time of the newest tick of the partition.
	Now int64
	// Paused is how long nobody has worked the partition, from whatever instant on.
	Paused int64
	// Org and Conversation say whose state it is.
	Org, Conversation string
	// Rules are those in force.
	Rules *RuleSet
	// Version returns the rules of an earlier version, with the version of the
	// schedules that filled their calendars then; nil if they are gone.
	Version func(version, schedules string) *RuleSet
	// Held says whether what is due at an instant waits for the org's sources to
	// be read up to it, and when to look again (ARCHITECTURE.md, "Time is in the log").
	Held func(due int64) (retry int64, held bool)
	// MayAct counts an action of the org, and says whether its cap allows it.
	MayAct func() bool
}

// Step applies an input to the state of a conversation, which it changes in
// place, and returns what is to be told, in order. The caller looks at the
// conversation again at NextLook.
//
//	            .start                  all sessions over
//	(nothing) ─────────► Running ─────────────────────────► Stopped
//	    ▲                   ▲     .start <= endedAt+settle     │
//	    │                   └──────────────────────────────────┤
//	    │                   .start > endedAt+settle            │ now >= endedAt+settle,
//	    │ now >= endedAt+late  (closes, then opens the next)   ▼ or a later .start
//	    └───────────────────────────────────────────────── Closed
//
// Raised tiers are judged again whenever facts change, and settled when the
// episode closes; tiers are raised by looks only, since only ticks move time. While
// an action is under way a look closes nothing: what it came to is told first.
func Step(st *schemas.ConversationState, in Input, env Env) Effects {
	s := step{st: st, env: env}
	switch {
	case in.Event != nil:
		s.event(in.Event)
	case in.Observed != nil:
		s.observed(in.Observed)
	case in.Failed != nil:
		s.settleCheck(in.Failed.RequestId, false)
	case in.Done != nil:
		s.actionDone(in.Done)
	default:
		s.look(in.Rejudge)
	}
	if ep := st.Episode; ep != nil && !ep.Opened {
		st.Episode, _, _ = forget(ep, env.Now, env.Rules.timing.late)
	}
	return s.out
}

// step is one call of Step.
type step struct {
	st   *schemas.ConversationState
	env  Env
	out  Effects
	room [usualCandidates]candidate // memory of candidates

	again bool // the look that is asked for next repeats one that was lost
}

// Counts reports whether the event is of a medium that has clocks; others are
// dropped before they reach Step.
func Counts(e *schemas.ConversationEvent) bool { return counted(e) }

func (s *step) event(e *schemas.ConversationEvent) {
	if s.st.ClosedAtMs != nil && e.EventTimeMs <= *s.st.ClosedAtMs && !s.takeBack(e) {
		return
	}
	if s.st.Episode.GetOpened() && isStart(e) {
		if end, stopped := endedAt(s.st.Episode); stopped && e.EventTimeMs > end+s.env.Rules.timing.settle {
			// Also while an action is under way, whose outcome finds nobody then: there
			// is one episode at a time, and the customer who is back comes first.
			s.close(end)
		}
	}
	var first *episodeRoom
	if s.st.Episode == nil {
		s.st.Episode, first = newEpisode()
	}
	learn(s.st.Episode, first, e, s.env.Rules)
	retire(s.st.Episode)
	s.judge()
}

// takeBack takes back the close of an episode that was closed by the ends of
// queue, flow and agent, if the event is its customer's start: then it was not
// over, and without it nobody would hear of the customer (DECISIONS.md). What else
// comes late of such an episode is kept with it.
func (s *step) takeBack(e *schemas.ConversationEvent) bool {
	u := s.st.Unsure
	if u == nil || s.st.Episode.GetOpened() || u.ClosedAtMs != nil && e.EventTimeMs <= *u.ClosedAtMs {
		return false
	}
	if e.Topic != schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START {
		learn(u.Episode, nil, e, s.env.Rules)
		retire(u.Episode)
		return false
	}
	if s.st.Episode != nil {
		absorb(u.Episode, s.st.Episode)
	}
	s.st.Episode, s.st.ClosedAtMs, s.st.Unsure = u.Episode, u.ClosedAtMs, nil
	return true
}

func (s *step) observed(o *schemas.ThreadObserved) {
	current := s.st.ClosedAtMs == nil || o.ObservedAtMs > *s.st.ClosedAtMs
	s.settleCheck(o.RequestId, current)
	if !current {
		return
	}
	if s.st.Episode == nil {
		s.st.Episode = &schemas.Episode{}
	}
	observe(s.st.Episode, o, s.st.ClosedAtMs)
	s.judge()
}

// look does what a tick does: close what has settled, forget what is too old,
// raise what is due.
func (s *step) look(rejudge bool) {
	t := s.env.Rules.timing
	if ep := s.st.Episode; ep.GetOpened() {
		if end, stopped := endedAt(ep); stopped {
			s.expireAction()
			if ep.Acting == nil && s.env.Now >= s.closesAt(end) {
				s.close(end)
			}
		}
	}
	if s.st.ClosedAtMs != nil && s.env.Now >= *s.st.ClosedAtMs+t.late {
		s.st.ClosedAtMs, s.st.Past, s.st.Unsure = nil, nil, nil
	}
	if rejudge {
		s.judge()
	}
	if running(s.st.Episode) {
		s.work()
	}
}

// closesAt is when to close an episode that has stopped at end: when that has settled,
// and the org's sources have been read up to then, since the customer who is back may be
// in a queue still.
func (s *step) closesAt(end int64) int64 {
	at := end + s.env.Rules.timing.settle
	if s.env.Held != nil {
		if retry, held := s.env.Held(at); held {
			return retry
		}
	}
	return at
}

// work does what is due in a running episode.
func (s *step) work() {
	if !s.env.Rules.checks {
		s.st.Episode.Check = nil // whoever waited for it waits no longer
	}
	s.expire()
	held := s.raiseDue()
	if s.env.Rules.checks {
		s.ask(held)
	}
}

// close ends the episode at end: what is raised is settled, the sessions are
// dropped, and a small record stays.
func (s *step) close(end int64) {
	for _, r := range s.st.Episode.Raised {
		if r.Status == schemas.RaisedStatus_RAISED_STATUS_RAISED {
			s.settle(r, &end)
		}
	}
	s.remember()
	closed := s.st.Episode
	closed.Check, closed.Acting = nil, nil // answers that come later find nobody
	s.st.Episode = carryOver(closed, end)
	s.st.Unsure = nil
	if !endIsSure(closed) {
		s.st.Unsure = &schemas.Unsure{Episode: closed, ClosedAtMs: s.st.ClosedAtMs}
	}
	s.st.ClosedAtMs = &end
}

// NextLook returns the instant at which the conversation is to be looked at
// next, if there is one.
func NextLook(st *schemas.ConversationState, env Env) (at int64, ok bool) {
	var first earliest
	t, s := env.Rules.timing, step{st: st, env: env}
	if st.ClosedAtMs != nil {
		first.add(*st.ClosedAtMs + t.late)
	}
	switch ep := st.Episode; {
	case ep == nil:
	case !ep.Opened:
		if _, next, some := forget(ep, env.Now, t.late); some {
			first.add(next)
		}
	default:
		if end, stopped := endedAt(ep); stopped {
			if a := ep.Acting; a != nil {
				first.add(env.Rules.expiry(a.AskedMs, a.CountedMs)) // its outcome, or its timeout, comes first
			} else {
				first.add(s.closesAt(end))
			}
			break
		}
		s.nextLooks(&first)
	}
	return first.at, first.some
}

// earliest is the first of some instants.
type earliest struct {
	at   int64
	some bool
}

func (e *earliest) add(at int64) {
	if !e.some || at < e.at {
		e.at, e.some = at, true
	}
}

// nextLooks adds the instants at which a running episode is to be looked at.
func (s *step) nextLooks(first *earliest) {
	rules, ep, list := s.env.Rules, s.st.Episode, s.candidates()
	waiting := rules.checks && outstanding(ep)
	for _, c := range list {
		due := c.look <= s.env.Now
		switch {
		case due && waiting && ep.Check.ForTier && s.verdict(c).hold:
			// The answer, or its timeout, comes first.
		case due && s.waitsItsTurn(c):
			// So does the action before it.
		default:
			first.add(c.look)
		}
	}
	if a := ep.Acting; a != nil {
		first.add(rules.expiry(a.AskedMs, a.CountedMs))
	}
	switch {
	case waiting:
		first.add(rules.expiry(ep.Check.AskedMs, ep.Check.CountedMs))
	case rules.checks && ep.GetCheck().GetStatus() != schemas.CheckStatus_CHECK_STATUS_UNSPECIFIED:
		first.add(s.env.Now) // an answer is to be judged
	default:
		for _, l := range s.looks(list) {
			first.add(l.at)
		}
	}
}

// Empty reports whether nothing is known any more, so that the state may go.
func Empty(st *schemas.ConversationState) bool {
	return st.ClosedAtMs == nil && st.Episode == nil
}
