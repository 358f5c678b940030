package processor_test

import (
	"maps"
	"slices"

	"unpark/schemas"
)

// close: "Closing clears or retracts what was raised, drops the episode's
// sessions, and leaves a small closed record" (2). "What is later than endedAt
// and arrives before the close without setting the episode running" is kept for
// the next episode (1); of observations that is the newest.
func (c *modelConversation) close(now, end int64) []*schemas.Escalation {
	out := c.judge(now, &end)
	c.check, c.acting = nil, nil
	e := c.episode()
	newest := e.newest()
	c.unsure = nil
	if (newest == nil || newest.EndedAtMs == nil) && !slices.ContainsFunc(e.sessions(), func(s *modelSession) bool { return s.leg == "customer" }) {
		c.unsure = &modelUnsure{heard: c.heard, raised: c.raised, closedAt: c.closedAt}
	}
	c.closedAt, c.raised = &end, nil
	heard := c.heard
	c.heard = nil
	for _, in := range heard {
		o := in.GetThreadObserved()
		if inputTime(in) <= end || o != nil && o != newest {
			continue
		}
		if isStart(in) {
			continue // of a session that had ended, or the episode would run (DECISIONS.md)
		}
		c.heard = append(c.heard, c.thisEpisode(in))
	}
	return out
}

// modelUnsure is an episode whose close a late customer's start takes back.
type modelUnsure struct {
	heard    []*schemas.InputRecord
	raised   []*modelRaised
	closedAt *int64
}

// takeBack: what comes late of such an episode is kept with it; its customer's
// start says that it was not over (DECISIONS.md).
func (c *modelConversation) takeBack(in *schemas.InputRecord) bool {
	u := c.unsure
	if u == nil || in.GetEvent() == nil || c.episode().open() || u.closedAt != nil && inputTime(in) <= *u.closedAt {
		return false
	}
	if !isCustomerStart(in) {
		u.heard = append(u.heard, in)
		return false
	}
	for _, kept := range c.heard {
		if !slices.Contains(u.heard, kept) {
			u.heard = append(u.heard, kept)
		}
	}
	c.heard, c.raised, c.closedAt, c.unsure = u.heard, u.raised, u.closedAt, nil
	return true
}

// forgetRaisings drops the counts of tiers that only closed episodes raised: they
// are remembered as long as the closed record is.
func (c *modelConversation) forgetRaisings() {
	maps.DeleteFunc(c.raisings, func(key raisingKey, _ int) bool {
		return !slices.ContainsFunc(c.raised, func(r *modelRaised) bool {
			return key == raisingKey{r.objective.Objective, r.at(), r.due}
		})
	})
}

// thisEpisode returns an input without what it says of the episode before: a
// customer's session that began by the end of that one is not this one's start.
func (c *modelConversation) thisEpisode(in *schemas.InputRecord) *schemas.InputRecord {
	o := in.GetThreadObserved()
	if o == nil || o.StartedAtMs == nil || c.closedAt == nil || *o.StartedAtMs > *c.closedAt {
		return in
	}
	o = o.CloneVT()
	o.StartedAtMs = nil
	return &schemas.InputRecord{Kind: &schemas.InputRecord_ThreadObserved{ThreadObserved: o}}
}

// forget: the closed record stays until endedAt + late, and what arrives before
// any episode "is kept for the next episode and forgotten after `late`" (1).
func (c *modelConversation) forget(now int64) {
	if c.closedAt != nil && now >= *c.closedAt+c.rules.late() {
		c.closedAt, c.unsure = nil, nil
		c.forgetRaisings()
	}
	c.forgetExpected(now)
}

// forgetExpected: what observations say is one fact, which the newest of them keeps
// (DECISIONS.md).
func (c *modelConversation) forgetExpected(now int64) {
	if c.episode().open() {
		return
	}
	until := func(in *schemas.InputRecord) int64 { return inputTime(in) + c.rules.late() }
	var observed int64
	for _, in := range c.heard {
		if in.GetThreadObserved() != nil {
			observed = max(observed, until(in))
		}
	}
	c.heard = slices.DeleteFunc(c.heard, func(in *schemas.InputRecord) bool {
		if in.GetThreadObserved() != nil {
			return now >= observed
		}
		return now >= until(in)
	})
}
