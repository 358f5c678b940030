package sla

import "unpark/schemas"

// plannedLook is a look at Genesys that no tier waits for.
type plannedLook struct {
	at, due int64
	urgency schemas.Urgency
}

// looks returns the looks that are planned while nothing is outstanding, the most
// urgent kind first (SLA.md sections 5.4 to 5.6). list is what candidates returns.
func (s *step) looks(list []candidate) []plannedLook {
	if !s.env.Rules.checks {
		return nil
	}
	var looks []plannedLook
	for _, c := range list {
		if at, ok := s.ahead(c); ok {
			looks = append(looks, plannedLook{at, c.due, schemas.Urgency_URGENCY_LOOK_AHEAD})
		}
	}
	if at, ok := s.unseen(); ok {
		looks = append(looks, plannedLook{at, at, schemas.Urgency_URGENCY_LOOK_AHEAD})
	}
	if at, ok := s.followup(); ok {
		looks = append(looks, plannedLook{at, at, schemas.Urgency_URGENCY_FOLLOW_UP})
	}
	return looks
}

// lookedAt is when the episode was looked at last, or a look was tried; ok is
// false if never.
func (s *step) lookedAt() (at int64, ok bool) {
	if o := observation(s.st.Episode); o != nil {
		at, ok = o.ObservedAtMs, true
	}
	if ch := s.st.Episode.GetCheck(); ch != nil && (!ok || ch.AskedMs > at) {
		at, ok = ch.AskedMs, true
	}
	return at, ok
}

// ahead is when to look at the conversation before the tier is due: spread over
// lead, so that not everybody is asked for in the same second (SLA.md section
// 5.5). A look within lead is looked ahead enough, and so is a stretch that has
// only just begun then.
func (s *step) ahead(c candidate) (at int64, ok bool) {
	t := s.env.Rules.timing
	if t.lead == 0 || c.due <= s.env.Now || !s.env.Rules.needsLook(c) {
		return 0, false
	}
	if last, looked := s.lookedAt(); looked && last >= c.due-t.lead {
		return 0, false
	}
	at = c.due - t.lead + s.spread(t.lead)
	return at, at > c.start
}

// spread is a number in [0, n) that follows from the conversation's identity.
func (s *step) spread(n int64) int64 {
	h := hash(s.env.Org + "|" + s.env.Conversation)
	h ^= h >> 32 // the lower half alone would do for UUIDs, not for counted ids
	return int64(h % uint64(n))
}

// unseen is the earliest instant at which a tier that has no due since nobody
// waits could fall due, had the customer written right after the newest
// observation (SLA.md section 5.4).
func (s *step) unseen() (at int64, ok bool) {
	p := s.env.Rules.policyFor(s.st.Episode)
	if p == nil {
		return 0, false
	}
	known := readThread(s.st, p.botsReply)
	written := known.written(s.seenUntil(known))
	for i := range p.objectives {
		o := &p.objectives[i]
		for j := range o.tiers {
			tier := &o.tiers[j]
			if _, _, has := o.due(known, tier.at); has || s.raisedAlready(o, tier) {
				continue
			}
			if _, due, could := o.due(written, tier.at); could && (!ok || due < at) {
				at, ok = due, true
			}
		}
	}
	if ch := s.st.Episode.GetCheck(); ok && ch != nil && ch.AskedMs >= at {
		at = ch.AskedMs + s.env.Rules.timing.retry // it was tried, and told nothing
	}
	return at, ok
}

// seenUntil is up to when the conversation is known.
func (s *step) seenUntil(t thread) int64 {
	at := t.startedAt
	if o := observation(s.st.Episode); o != nil {
		at = o.ObservedAtMs
	}
	if n := len(t.messages); n > 0 {
		at = max(at, t.messages[n-1].at)
	}
	return at
}

// written returns the thread as it would be if the customer had written at an
// instant after all its messages.
func (t thread) written(at int64) thread {
	t.messages = append(t.messages[:len(t.messages):len(t.messages)], message{at: at})
	return t
}

// followup is when to look again at what is raised and not cleared (SLA.md section
// 5.6).
func (s *step) followup() (at int64, ok bool) {
	every := s.env.Rules.timing.followup
	last, looked := s.lookedAt()
	for _, r := range s.st.Episode.Raised {
		if r.Status == schemas.RaisedStatus_RAISED_STATUS_RAISED {
			ok = every > 0
			if !looked {
				last = max(last, r.DueMs)
			}
		}
	}
	return last + every, ok
}
