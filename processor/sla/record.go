package sla

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"unpark/schemas"
)

// emit adds the record that tells the state of r; its explanation runs from the
// tier's start to until. o is nil if the rules it was raised under are gone.
func (s *step) emit(r *schemas.Raised, o *objective, t thread, until int64) {
	ep := s.st.Episode
	e := &schemas.Escalation{
		ID: EscalationID(s.env.Org, s.env.Conversation, r), Kind: r.Kind,
		Org: s.env.Org, Conversation: s.env.Conversation, Objective: r.Objective, TierSeconds: r.AtMs / 1000,
		Policy: r.Policy, PolicyVersion: r.PolicyVersion,
		Start: schemas.Instant(r.StartMs), Due: schemas.Instant(r.DueMs), At: schemas.Instant(s.env.Now),
		Verified: r.Verified,
		Media:    text(ep.Media.GetValue()), MessageType: text(ep.MessageType.GetValue()),
		Queue: queue(ep), Agent: holder(ep), Explain: []schemas.Interval{},
	}
	switch r.Status {
	case schemas.RaisedStatus_RAISED_STATUS_RAISED:
		e.Status = schemas.StatusRaised
	case schemas.RaisedStatus_RAISED_STATUS_RETRACTED:
		e.Status = schemas.StatusRetracted
	case schemas.RaisedStatus_RAISED_STATUS_CLEARED_BY_POLICY:
		e.Status, e.Reason = schemas.StatusCleared, text("policy")
	default:
		e.Status = schemas.StatusCleared
	}
	if r.Action != nil {
		e.Action = &schemas.ActionRef{Do: r.Action.Do, Outcome: r.Action.Outcome, Reason: text(r.Action.Reason)}
	}
	if obs := observation(ep); obs != nil {
		at := schemas.Instant(obs.ObservedAtMs)
		e.ObservedAt = &at
	}
	if o != nil {
		list, elapsed := o.explain(t, r.StartMs, until)
		e.Elapsed = elapsed / 1000
		if list != nil {
			e.Explain = list
		}
	}
	s.out.Escalations = append(s.out.Escalations, e)
}

// EscalationID is the id of a raised tier (SLA.md section 5).
func EscalationID(org, conversation string, r *schemas.Raised) string {
	b := make([]byte, 0, 160)
	b = append(append(append(b, org...), '|'), conversation...)
	b = append(append(append(b, '|'), r.Objective...), '|')
	b = append(strconv.AppendInt(b, r.AtMs, 10), '|')
	b = strconv.AppendInt(b, r.DueMs, 10)
	if r.Raising >= 2 {
		b = strconv.AppendUint(append(b, '|'), uint64(r.Raising), 10)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// holder is the agent to name: the newest observation's, unless it names nobody
// or an agent's session began or ended after it; then the user of the newest
// open session that has a queue.
func holder(ep *schemas.Episode) *schemas.AgentRef {
	if o := observation(ep); o != nil && (o.Agent.GetId() != "" || o.Agent.GetName() != "") && !movedSince(ep, o.ObservedAtMs) {
		ref := &schemas.AgentRef{ID: text(o.Agent.Id), Name: text(o.Agent.Name), State: text(o.Agent.State)}
		if o.Agent.SinceMs != nil {
			since := schemas.Instant(*o.Agent.SinceMs)
			ref.Since = &since
		}
		return ref
	}
	var held *schemas.Session
	for _, s := range ep.Sessions {
		if !agentLeg(s) || s.StartedAtMs == nil || s.EndedAtMs != nil || s.UserId == "" {
			continue
		}
		if held == nil || *s.StartedAtMs > *held.StartedAtMs || *s.StartedAtMs == *held.StartedAtMs && s.Id > held.Id {
			held = s
		}
	}
	if held == nil {
		return nil
	}
	since := schemas.Instant(*held.StartedAtMs)
	return &schemas.AgentRef{ID: text(held.UserId), Since: &since}
}

func agentLeg(s *schemas.Session) bool {
	return s.Kind == schemas.SessionKind_SESSION_KIND_USER && s.QueueId != ""
}

func movedSince(ep *schemas.Episode, at int64) bool {
	for _, s := range ep.Sessions {
		if agentLeg(s) && (s.GetStartedAtMs() > at || s.GetEndedAtMs() > at) {
			return true
		}
	}
	return false
}

func queue(ep *schemas.Episode) *schemas.QueueRef {
	id := ep.Queue.GetValue()
	if id == "" {
		return nil
	}
	ref := &schemas.QueueRef{ID: &id}
	if o := observation(ep); o != nil && o.QueueId == id {
		ref.Name = text(o.QueueName)
	}
	return ref
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
