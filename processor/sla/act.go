package sla

import (
	"cmp"
	"slices"

	"unpark/schemas"
)

// Outcomes of actions that the rules themselves decide.
const (
	outcomeDone     = "done"
	outcomeFailed   = "failed"
	outcomeNotTaken = "not_taken"
)

// act begins the action of a tier that is due and known to be, or says why it is
// not taken (SLA.md section 5.7). asked: the tier is raised when the answer is
// there.
func (s *step) act(r *schemas.Raised) (asked bool) {
	r.Action.Outcome = outcomeNotTaken
	act := &schemas.Act{Do: r.Action.Do, DryRun: s.env.Rules.actions.Mode == ActionsDryRun, MediaType: s.st.Episode.Media.GetValue()}
	if r.Action.Reason = s.obstacle(r, act); r.Action.Reason != "" {
		return false
	}
	r.Action.Outcome = ""
	act.EscalationId = EscalationID(s.env.Org, s.env.Conversation, r)
	req := s.request(kindAct, schemas.Urgency_URGENCY_ACTION, r.DueMs)
	req.Kind = &schemas.GenesysRequest_Act{Act: act}
	s.st.Episode.Acting = &schemas.ActionState{Tier: r, AskedMs: s.env.Now, Serial: s.st.Requests}
	return true
}

// obstacle says why the action is not taken, empty if it is, and fills in whom it
// concerns.
func (s *step) obstacle(r *schemas.Raised, act *schemas.Act) string {
	obs := observation(s.st.Episode)
	switch {
	case !s.env.Rules.checks:
		return "checks_off"
	case s.env.Rules.actions.Mode == ActionsOff:
		return "actions_off"
	case !r.Verified || obs == nil:
		return "unverified"
	case movedSince(s.st.Episode, obs.ObservedAtMs) || s.st.Episode.Queue.GetAtMs() > obs.ObservedAtMs:
		return "moved"
	}
	act.AgentId, act.AgentParticipantId = obs.Agent.GetId(), obs.Agent.GetParticipantId()
	act.QueueId = cmp.Or(obs.QueueId, s.st.Episode.Queue.GetValue())
	switch {
	case act.Do == ActionRequeue && act.AgentId == "":
		return "no_agent" // it waits in its queue
	case act.Do == ActionRequeue && act.QueueId == "":
		return "no_queue"
	case s.env.MayAct == nil || !s.env.MayAct():
		return "cap"
	}
	return ""
}

// actionDone notes the outcome of the action that was asked for.
func (s *step) actionDone(d *schemas.ActionDone) {
	a := s.st.Episode.GetActing()
	if a == nil || d.RequestId != requestID(kindAct, s.env.Org, s.env.Conversation, a.AskedMs, a.Serial) {
		s.answered(AnswerForgotten)
		return
	}
	s.answered(AnswerDone)
	s.acted(d.Outcome, d.Reason)
}

// acted raises the tier with its action's outcome. If nothing was done, and the
// tier is not due any more, there is nothing to tell.
func (s *step) acted(outcome, reason string) {
	r := s.st.Episode.Acting.Tier
	s.st.Episode.Acting = nil
	if outcome != outcomeDone && !s.stillDue(r) {
		return
	}
	r.Action.Outcome, r.Action.Reason = outcome, reason
	s.st.Episode.Raised = append(s.st.Episode.Raised, r)
	p, o := s.raisedUnder(r)
	s.emit(r, o, readThread(s.st, p != nil && p.botsReply), s.env.Now)
	s.judge()
	s.forgetSettled()
}

// stillDue reports whether the policy in force has the tier and it is due.
func (s *step) stillDue(r *schemas.Raised) bool {
	p := s.env.Rules.policyFor(s.st.Episode)
	if !running(s.st.Episode) || !p.has(r.Objective, r.AtMs) {
		return false
	}
	_, due, ok := p.objective(r.Objective).due(readThread(s.st, p.botsReply), r.AtMs)
	return ok && due <= s.env.Now
}

// acting reports whether the tier's action is being taken.
func (s *step) acting(o *objective, t *tier) bool {
	r := s.st.Episode.GetActing().GetTier()
	return r != nil && r.Objective == o.name && r.AtMs == t.at
}

// MaxActs cuts a list of the instants of actions, oldest first, to those within
// the hour before now, and reports whether one more is allowed.
func MaxActs(acted []int64, now int64, perHour int) (recent []int64, allowed bool) {
	const hour = 60 * 60 * 1000
	recent = slices.DeleteFunc(slices.Clone(acted), func(at int64) bool { return at+hour <= now })
	return recent, len(recent) < perHour
}
