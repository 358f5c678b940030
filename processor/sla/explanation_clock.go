package sla

import (
	"unpark/processor/calendar"
	"unpark/schemas"
)

// ObjectiveView is a promise as it stands: what was counted, and its tiers.
type ObjectiveView struct {
	Objective string `json:"objective"`
	// Always: it counts every second, since its schedule group has no content.
	Always bool `json:"countsAsAlways"`
	// Start is that of the stretch that counts; null if none does.
	Start   *schemas.Instant `json:"start"`
	Elapsed int64            `json:"elapsedSeconds"`
	// Explain adds up to Elapsed, as in an escalation.
	Explain []schemas.Interval `json:"explain"`
	Tiers   []TierView         `json:"tiers"`
}

// TierView is a tier as it stands.
type TierView struct {
	Seconds int64  `json:"tierSeconds"`
	Kind    string `json:"kind"`
	// Due is null while by the facts there is none.
	Due    *schemas.Instant `json:"due"`
	Raised bool             `json:"raised"`
}

// RaisedView is a tier that was raised in this episode, and its fate.
type RaisedView struct {
	ID            string          `json:"id"`
	Status        string          `json:"status"` // raised, cleared, retracted
	Kind          string          `json:"kind"`
	Objective     string          `json:"objective"`
	Seconds       int64           `json:"tierSeconds"`
	Start         schemas.Instant `json:"start"`
	Due           schemas.Instant `json:"due"`
	Policy        string          `json:"policy"`
	PolicyVersion string          `json:"policyVersion"`
	Verified      bool            `json:"verified"`
}

// PastView is a tier that a closed episode raised: what is kept of it.
type PastView struct {
	ID        string          `json:"id"`
	Objective string          `json:"objective"`
	Seconds   int64           `json:"tierSeconds"`
	Due       schemas.Instant `json:"due"`
}

// NextTier is what falls due next.
type NextTier struct {
	Objective string          `json:"objective"`
	Seconds   int64           `json:"tierSeconds"`
	Kind      string          `json:"kind"`
	Due       schemas.Instant `json:"due"`
	// Hours is what the calendar says at Now: open, closed or holiday.
	Hours string `json:"hours"`
}

// objectiveView counts up to until.
func (s *step) objectiveView(o *objective, t thread, until int64) ObjectiveView {
	v := ObjectiveView{Objective: o.name, Always: o.always, Explain: []schemas.Interval{}, Tiers: []TierView{}}
	start, runs := o.span(t)
	_, answered := t.firstAnswer()
	if answered && o.name == FirstReply && t.inbound {
		runs = o.waiting(t, start) // what it came to
	}
	if len(runs) > 0 {
		v.Start = instant(&start)
		list, elapsed := o.explain(t, start, until)
		v.Elapsed, v.Explain = elapsed/1000, append(v.Explain, list...)
	}
	for i := range o.tiers {
		tier := &o.tiers[i]
		tv := TierView{Seconds: tier.at / 1000, Kind: tier.kind, Raised: s.raisedAlready(o, tier)}
		if _, due, ok := o.due(t, tier.at); ok {
			tv.Due = instant(&due)
		}
		v.Tiers = append(v.Tiers, tv)
	}
	return v
}

// next finds what falls due next, and what the conversation waits for.
func (x *Explanation) next(s *step, p *policy) (waitsFor string) {
	switch {
	case (x.State == StageStopped || p == nil) && s.st.Episode.Acting != nil:
		return WaitsAction
	case x.State == StageStopped:
		return WaitsSettle
	case p == nil:
		return WaitsPolicy
	}
	// Whether the org's sources lag is not known here, so that holds nothing.
	s.env.Held = nil
	list := s.candidates()
	if len(list) == 0 && s.st.Episode.Acting != nil {
		return WaitsAction
	}
	if len(list) == 0 {
		for _, o := range x.Objectives {
			for _, t := range o.Tiers {
				if !t.Raised && o.Objective != FirstReply {
					return WaitsCustomer
				}
			}
		}
		return WaitsNobody
	}
	c := list[0]
	x.Next = &NextTier{
		Objective: c.objective.name, Seconds: c.tier.at / 1000, Kind: c.tier.kind, Due: schemas.Instant(c.due), Hours: calendar.Open.String(),
	}
	if now := c.objective.hours.Intervals(s.env.Now, s.env.Now+1); len(now) > 0 {
		x.Next.Hours = now[0].State.String()
	}
	switch {
	case c.look <= s.env.Now && s.waitsItsTurn(c):
		return WaitsAction
	case c.look <= s.env.Now && s.env.Rules.checks && outstanding(s.st.Episode):
		return WaitsCheck
	case c.due <= s.env.Now:
		return WaitsGrace
	}
	return WaitsDue
}

var statusNames = map[schemas.RaisedStatus]string{
	schemas.RaisedStatus_RAISED_STATUS_RAISED:            schemas.StatusRaised,
	schemas.RaisedStatus_RAISED_STATUS_CLEARED:           schemas.StatusCleared,
	schemas.RaisedStatus_RAISED_STATUS_RETRACTED:         schemas.StatusRetracted,
	schemas.RaisedStatus_RAISED_STATUS_CLEARED_BY_POLICY: schemas.StatusCleared,
}

func (s *step) raisedView(r *schemas.Raised) RaisedView {
	return RaisedView{
		ID: EscalationID(s.env.Org, s.env.Conversation, r), Status: statusNames[r.Status], Kind: r.Kind,
		Objective: r.Objective, Seconds: r.AtMs / 1000, Start: schemas.Instant(r.StartMs), Due: schemas.Instant(r.DueMs),
		Policy: r.Policy, PolicyVersion: r.PolicyVersion, Verified: r.Verified,
	}
}

// pastViews lists every raising of a closed episode: one that was taken back may have
// been raised again with the same due.
func pastViews(st *schemas.ConversationState, env Env) []PastView {
	views := []PastView{}
	for _, p := range st.Past {
		for n := range max(1, p.Count) {
			r := &schemas.Raised{Objective: p.Objective, AtMs: p.AtMs, DueMs: p.DueMs, Raising: n + 1}
			views = append(views, PastView{
				ID: EscalationID(env.Org, env.Conversation, r), Objective: p.Objective, Seconds: p.AtMs / 1000, Due: schemas.Instant(p.DueMs),
			})
		}
	}
	return views
}
