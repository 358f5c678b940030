package sla

import (
	"cmp"
	"slices"

	"unpark/schemas"
)

// maxSettled bounds what is remembered of settled tiers of one episode.
const maxSettled = 64

// usualCandidates is how many tiers a usual policy has at most.
const usualCandidates = 6

// candidate is a tier that may be raised.
type candidate struct {
	objective  *objective
	tier       *tier
	start, due int64
	// look is when to judge it: due and grace, or later while the sources of the
	// org have not been read up to due.
	look int64
}

// candidates returns the tiers that have a due time and are not raised for their
// stretch, in order of (due, objective, at). They are valid until the next call.
func (s *step) candidates() []candidate {
	p := s.env.Rules.policyFor(s.st.Episode)
	if p == nil {
		return nil
	}
	list := s.room[:0]
	t := readThread(s.st, p.botsReply)
	for i := range p.objectives {
		o := &p.objectives[i]
		for j := range o.tiers {
			tier := &o.tiers[j]
			if s.raisedAlready(o, tier) || s.acting(o, tier) {
				continue
			}
			start, due, ok := o.due(t, tier.at)
			if !ok {
				continue
			}
			c := candidate{objective: o, tier: tier, start: start, due: due, look: due + s.env.Rules.timing.grace}
			if s.env.Held != nil && c.look <= s.env.Now {
				if retry, held := s.env.Held(due); held {
					c.look = retry
				}
			}
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, earlier)
	return list
}

// earlier is the order in which tiers fall due.
func earlier(a, b candidate) int {
	if a.due != b.due {
		return cmp.Compare(a.due, b.due)
	}
	return cmp.Or(cmp.Compare(a.objective.name, b.objective.name), cmp.Compare(a.tier.at, b.tier.at))
}

// raisedAlready reports whether the tier is raised for the stretch that its clock
// is in. What an answer has cleared is over: the next wait is a new stretch, and
// should the answer vanish, the old one goes on.
func (s *step) raisedAlready(o *objective, t *tier) bool {
	return slices.ContainsFunc(s.st.Episode.Raised, func(r *schemas.Raised) bool {
		return r.Objective == o.name && r.AtMs == t.at && r.Status == schemas.RaisedStatus_RAISED_STATUS_RAISED
	})
}

// raiseDue raises what is due now, and returns what is held until Genesys has been
// looked at.
func (s *step) raiseDue() (held []candidate) {
	list := s.candidates()
	for _, c := range list {
		if c.look > s.env.Now {
			continue
		}
		if s.waitsItsTurn(c) {
			continue
		}
		if v := s.verdict(c); v.hold {
			held = append(held, c)
		} else {
			s.raise(c, v.verified)
		}
	}
	s.forgetSettled()
	return held
}

// waitsItsTurn reports whether an action is under way before the one of c: there is
// one at a time, and no look for the next before its turn.
func (s *step) waitsItsTurn(c candidate) bool {
	return s.env.Rules.checks && c.tier.kind == KindAction && s.st.Episode.Acting != nil
}

// raise raises a tier, at once or with the outcome of its action.
func (s *step) raise(c candidate, verified bool) {
	p := s.env.Rules.policyFor(s.st.Episode)
	r := &schemas.Raised{
		Objective: c.objective.name, AtMs: c.tier.at, StartMs: c.start, DueMs: c.due,
		Raising: s.raisings(c) + 1, Status: schemas.RaisedStatus_RAISED_STATUS_RAISED,
		Kind: c.tier.kind, Policy: p.name, PolicyVersion: s.env.Rules.Version, SchedulesVersion: s.env.Rules.Schedules, Verified: verified,
	}
	if c.tier.kind == KindAction {
		r.Action = &schemas.Action{Do: c.tier.action}
		if s.act(r) {
			return
		}
	}
	s.st.Episode.Raised = append(s.st.Episode.Raised, r)
	s.emit(r, c.objective, readThread(s.st, p.botsReply), s.env.Now)
}

// raisings counts how often the tier was raised with this due before.
func (s *step) raisings(c candidate) uint32 {
	n := uint32(0)
	for _, r := range s.st.Episode.Raised {
		if r.Objective == c.objective.name && r.AtMs == c.tier.at && r.DueMs == c.due {
			n = max(n, r.Raising)
		}
	}
	for _, p := range s.st.Past {
		if p.Objective == c.objective.name && p.AtMs == c.tier.at && p.DueMs == c.due {
			n = max(n, p.Count)
		}
	}
	return n
}

// remember keeps the counts of a closing episode's raisings.
func (s *step) remember() {
	for _, r := range s.st.Episode.Raised {
		same := func(p *schemas.Raising) bool {
			return p.Objective == r.Objective && p.AtMs == r.AtMs && p.DueMs == r.DueMs
		}
		if i := slices.IndexFunc(s.st.Past, same); i >= 0 {
			s.st.Past[i].Count = max(s.st.Past[i].Count, r.Raising)
			continue
		}
		s.st.Past = append(s.st.Past, &schemas.Raising{Objective: r.Objective, AtMs: r.AtMs, DueMs: r.DueMs, Count: r.Raising})
	}
	if extra := len(s.st.Past) - maxSettled; extra > 0 {
		s.st.Past = slices.Delete(s.st.Past, 0, extra)
	}
}

func (s *step) forgetSettled() {
	extra := -maxSettled
	for _, r := range s.st.Episode.Raised {
		if r.Status != schemas.RaisedStatus_RAISED_STATUS_RAISED {
			extra++
		}
	}
	s.st.Episode.Raised = slices.DeleteFunc(s.st.Episode.Raised, func(r *schemas.Raised) bool {
		if extra <= 0 || r.Status == schemas.RaisedStatus_RAISED_STATUS_RAISED {
			return false
		}
		extra--
		return true
	})
}

// verified reports whether the newest observation is fresh.
func (s *step) verified() bool {
	o := observation(s.st.Episode)
	return o != nil && s.env.Now-o.ObservedAtMs <= s.env.Rules.timing.fresh
}
