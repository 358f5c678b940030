package sla

import "unpark/schemas"

// judge judges every raised tier again, with the rules that it was raised under
// (SLA.md section 6).
func (s *step) judge() {
	if !s.st.Episode.GetOpened() {
		return
	}
	for _, r := range s.st.Episode.Raised {
		if r.Status == schemas.RaisedStatus_RAISED_STATUS_RAISED {
			s.settle(r, nil)
		}
	}
}

// settle clears or retracts a raised tier if that is due; end is the end of the
// episode when it closes, which is an answer to everything.
func (s *step) settle(r *schemas.Raised, end *int64) {
	p, o := s.raisedUnder(r)
	if o == nil {
		s.finish(r, schemas.RaisedStatus_RAISED_STATUS_CLEARED_BY_POLICY, nil, thread{}, s.env.Now)
		return
	}
	t := readThread(s.st, p.botsReply)
	if a, ok := s.answer(o, t, r.StartMs, end); ok {
		status := schemas.RaisedStatus_RAISED_STATUS_CLEARED
		if a < r.DueMs {
			status = schemas.RaisedStatus_RAISED_STATUS_RETRACTED
		}
		s.finish(r, status, o, t, a)
		return
	}
	if _, due, ok := o.due(t, r.AtMs); !ok || due > s.env.Now {
		s.finish(r, schemas.RaisedStatus_RAISED_STATUS_RETRACTED, o, t, s.env.Now)
		return
	}
	if !s.env.Rules.policyFor(s.st.Episode).has(r.Objective, r.AtMs) {
		s.finish(r, schemas.RaisedStatus_RAISED_STATUS_CLEARED_BY_POLICY, o, t, s.env.Now)
	}
}

// raisedUnder returns the policy and objective that the tier was raised under;
// if that version is gone, those of the rules in force; nil if there are none.
func (s *step) raisedUnder(r *schemas.Raised) (*policy, *objective) {
	rules := s.env.Rules
	if (r.PolicyVersion != rules.Version || r.SchedulesVersion != rules.Schedules) && s.env.Version != nil {
		if old := s.env.Version(r.PolicyVersion, r.SchedulesVersion); old != nil {
			rules = old
		}
	}
	p := rules.policyNamed(r.Policy)
	return p, p.objective(r.Objective)
}

// answer returns the first answer after start: for replies an agent's message,
// for all the end of the episode once it has closed.
func (s *step) answer(o *objective, t thread, start int64, end *int64) (at int64, ok bool) {
	if o.name == Reply || o.name == FirstReply {
		at, ok = t.answer(start)
	}
	if end != nil && (!ok || *end < at) {
		return *end, true
	}
	return at, ok
}

func (s *step) finish(r *schemas.Raised, status schemas.RaisedStatus, o *objective, t thread, until int64) {
	r.Status = status
	s.emit(r, o, t, until)
}
