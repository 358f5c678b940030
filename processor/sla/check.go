package sla

import "unpark/schemas"

// The check loop (SLA.md section 5, DECISIONS.md "The check loop"). One check is
// outstanding per conversation at most:
//
//	           a tier is due and the newest observation is not fresh,
//	           or a look ahead, of nobody waiting, or a follow-up
//	(settled) ───────────────────────────────────────────────────────► Outstanding
//	    ▲                                                               │        │
//	    │ the next look judges again: what is still due is raised       │ observed │ failed, or no answer
//	    └────────────────────────────────────────────── Observed ◄──────┘        ▼ within check_timeout
//	    └─────────────────────────────────────────────────────────────────── Failed
//
// A check for a tier replaces an outstanding one of less urgency.

var tierUrgency = map[string]schemas.Urgency{
	KindAction:  schemas.Urgency_URGENCY_ACTION,
	KindBreach:  schemas.Urgency_URGENCY_BREACH,
	KindWarning: schemas.Urgency_URGENCY_WARNING,
}

// needsLook reports whether the tier is told only after a look at Genesys.
func (rs *RuleSet) needsLook(c candidate) bool {
	return rs.checks && (c.objective.name != Open || c.tier.kind == KindAction && rs.actions.Mode != ActionsOff)
}

// outstanding reports whether a check waits for its answer.
func outstanding(ep *schemas.Episode) bool {
	return ep.GetCheck().GetStatus() == schemas.CheckStatus_CHECK_STATUS_OUTSTANDING
}

// verdict is whether a tier that is due is to be told now, and whether what is
// known of it is verified.
type verdict struct{ hold, verified bool }

// verdict judges a tier that is due (SLA.md sections 5.2, 5.3 and 5.5).
func (s *step) verdict(c candidate) verdict {
	if s.verified() {
		return verdict{verified: true}
	}
	if !s.env.Rules.needsLook(c) {
		return verdict{}
	}
	obs, ch := observation(s.st.Episode), s.st.Episode.GetCheck()
	switch ch.GetStatus() {
	case schemas.CheckStatus_CHECK_STATUS_OBSERVED:
		if c.due+s.env.Rules.timing.grace <= ch.AskedMs { // made for this tier
			return verdict{verified: obs != nil}
		}
	case schemas.CheckStatus_CHECK_STATUS_FAILED:
		if ch.ForTier {
			return verdict{verified: s.seenEarly(c)}
		}
	}
	return verdict{hold: true}
}

// seenEarly reports whether the conversation was looked at shortly before the tier
// was due: that look stands if the one at due is not answered. No action is taken on
// it.
func (s *step) seenEarly(c candidate) bool {
	obs := observation(s.st.Episode)
	return obs != nil && obs.ObservedAtMs >= c.due-s.env.Rules.timing.lead && c.tier.kind != KindAction
}

// urgency is how urgent the look at due is. One of what was seen early is less so
// than one of what was not.
func (s *step) urgency(c candidate) schemas.Urgency {
	u := tierUrgency[c.tier.kind]
	if s.seenEarly(c) {
		u++
	}
	return u
}

// check asks for a look at the conversation, instead of the one outstanding.
func (s *step) check(urgency schemas.Urgency, due int64) {
	r := s.request(kindCheck, urgency, due)
	r.Kind = &schemas.GenesysRequest_Check{Check: &schemas.Check{MediaType: s.st.Episode.Media.GetValue()}}
	s.st.Episode.Check = &schemas.CheckState{
		AskedMs: s.env.Now, Serial: s.st.Requests, Urgency: urgency, Status: schemas.CheckStatus_CHECK_STATUS_OUTSTANDING,
		PausedMs: s.env.Paused, Again: s.again,
	}
}

// answers reports whether the id is that of the check that is outstanding.
func (s *step) answers(id string) bool {
	ch := s.st.Episode.GetCheck()
	return id != "" && outstanding(s.st.Episode) && id == requestID(kindCheck, s.env.Org, s.env.Conversation, ch.AskedMs, ch.Serial)
}

// settleCheck notes the answer to the check, if it is that of the one that is
// outstanding; observed says whether it tells something of this episode.
func (s *step) settleCheck(id string, observed bool) {
	switch {
	case id == "":
	case !s.answers(id):
		s.answered(AnswerForgotten)
	case observed:
		s.st.Episode.Check.Status = schemas.CheckStatus_CHECK_STATUS_OBSERVED
		s.answered(AnswerObserved)
	default:
		s.st.Episode.Check.Status = schemas.CheckStatus_CHECK_STATUS_FAILED
		s.answered(AnswerFailed)
	}
}

// expire counts the timeouts of what is outstanding, from the first tick after
// the request, and gives up what was not answered; what an outage has left without an
// answer is asked for once more.
func (s *step) expire() {
	ch := s.st.Episode.GetCheck()
	if outstanding(s.st.Episode) {
		if ch.CountedMs == nil {
			ch.PausedMs = s.env.Paused
		}
		if s.expired(ch.AskedMs, &ch.CountedMs) {
			ch.Status = schemas.CheckStatus_CHECK_STATUS_FAILED
			s.answered(AnswerTimeout)
		}
	}
	if ch.GetStatus() == schemas.CheckStatus_CHECK_STATUS_FAILED && s.lost(ch) {
		ch.Status, s.again = schemas.CheckStatus_CHECK_STATUS_UNSPECIFIED, true
	}
	s.expireAction()
}

// lost reports whether nobody worked the partition for as long as the look's timeout:
// then nobody looked, or what the verifier had to say of it was that it came too late.
func (s *step) lost(ch *schemas.CheckState) bool {
	paused := s.env.Paused - ch.PausedMs
	return paused > 0 && paused >= s.env.Rules.timing.checkTimeout && !ch.Again
}

// expireAction is the part of expire that goes on when the conversation is over.
func (s *step) expireAction() {
	if a := s.st.Episode.GetActing(); a != nil && s.expired(a.AskedMs, &a.CountedMs) {
		s.answered(AnswerTimeout)
		s.acted(outcomeFailed, "timeout")
	}
}

func (s *step) expired(asked int64, counted **int64) bool {
	if *counted == nil && s.env.Now > asked {
		now := s.env.Now
		*counted = &now
	}
	return *counted != nil && s.env.Now >= **counted+s.env.Rules.timing.checkTimeout
}

// expiry is when expire is to be called next.
func (rs *RuleSet) expiry(asked int64, counted *int64) int64 {
	if counted == nil {
		return asked + 1
	}
	return *counted + rs.timing.checkTimeout
}

// ask asks for the look that is needed now, if one is. held are the tiers that
// are due and wait for one.
func (s *step) ask(held []candidate) {
	s.settled()
	if len(held) > 0 {
		if outstanding(s.st.Episode) && s.st.Episode.Check.ForTier {
			return
		}
		urgency := s.urgency(held[0])
		for _, c := range held {
			urgency = min(urgency, s.urgency(c))
		}
		s.check(urgency, held[0].due)
		s.st.Episode.Check.ForTier = true
		return
	}
	if outstanding(s.st.Episode) {
		return
	}
	for _, l := range s.looks(s.candidates()) {
		if l.at <= s.env.Now {
			s.check(l.urgency, l.due)
			return
		}
	}
}

// settled notes that the look which follows an answer has judged it.
func (s *step) settled() {
	if ch := s.st.Episode.GetCheck(); ch != nil && !outstanding(s.st.Episode) {
		ch.Status, ch.CountedMs = schemas.CheckStatus_CHECK_STATUS_UNSPECIFIED, nil
	}
}
