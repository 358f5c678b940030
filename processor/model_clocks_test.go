package processor_test

import (
	"cmp"
	"slices"
	"time"

	"unpark/processor/calendar"
	"unpark/processor/sla"
	"unpark/schemas"
)

// modelRules is an org's configuration with its defaults filled in.
type modelRules struct {
	version   string
	policies  []sla.Policy
	calendars map[string]*calendar.Calendar
	timing    sla.Timing
	checks    bool
	actions   sla.Actions
}

func newModelRules(rules sla.Rules, version string) (*modelRules, error) {
	r := &modelRules{version: version, policies: rules.Policies, timing: rules.Timing, checks: rules.Checks, actions: rules.Actions}
	if r.actions.Mode == "" {
		r.actions = sla.Actions{Mode: sla.ActionsDryRun, PerHour: 20}
	}
	if len(r.policies) == 0 {
		r.policies = sla.DefaultPolicies()
	}
	r.calendars = map[string]*calendar.Calendar{sla.HoursAlways: calendar.Always()}
	for name, config := range rules.Calendars {
		compiled, err := calendar.Compile(config)
		if err != nil {
			return nil, err
		}
		r.calendars[name] = compiled
	}
	return r, nil
}

func orDefault(d *schemas.Duration, otherwise time.Duration) int64 {
	if d != nil {
		return d.Milliseconds()
	}
	return otherwise.Milliseconds()
}

func (r *modelRules) grace() int64  { return orDefault(r.timing.Grace, 10*time.Second) }
func (r *modelRules) settle() int64 { return orDefault(r.timing.Settle, 2*time.Minute) }
func (r *modelRules) late() int64   { return orDefault(r.timing.Late, 96*time.Hour) }
func (r *modelRules) fresh() int64  { return orDefault(r.timing.Fresh, time.Minute) }

// span is the half-open stretch [from, to).
type span struct{ from, to int64 }

// messages are those of the newest observation that count (3), in time order.
func (e *modelEpisode) messages(bots bool) []*schemas.ThreadMessage {
	o := e.newest()
	if o == nil {
		return nil
	}
	// "Taking its messages in time order (same millisecond: as listed)."
	messages := slices.Clone(o.Messages)
	slices.SortStableFunc(messages, func(a, b *schemas.ThreadMessage) int { return cmp.Compare(a.AtMs, b.AtMs) })
	return slices.DeleteFunc(messages, func(m *schemas.ThreadMessage) bool {
		// "Without those at or before the end of the previous episode (while its
		// record is there), without those more than 15 min before startedAt, and
		// without bots' messages unless the policy says `bots: reply`."
		return e.previousEnd != nil && m.AtMs <= *e.previousEnd ||
			m.AtMs < e.startedAt()-(15*time.Minute).Milliseconds() ||
			m.By == schemas.Author_AUTHOR_BOT && !bots
	})
}

func byCustomer(m *schemas.ThreadMessage) bool { return m.By == schemas.Author_AUTHOR_CUSTOMER }

// waits are the stretches in which the customer is owed an answer, by the
// messages alone: "since the first customer message after the last agent
// message" (3). The last one may go on for ever.
func waits(messages []*schemas.ThreadMessage) []span {
	var waits []span
	waiting := false
	for _, m := range messages {
		switch {
		case byCustomer(m) && !waiting:
			waits, waiting = append(waits, span{m.AtMs, forever}), true
		case !byCustomer(m) && waiting:
			waits[len(waits)-1].to, waiting = m.AtMs, false
		}
	}
	return waits
}

// counted are the stretches that count as waiting: the waits and, "INBOUND: also
// between startedAt and the first message" (4). "Without an observation: an
// INBOUND episode is waiting since startedAt; an OUTBOUND one is not waiting"
// (3); "no message left: as if there were no observation".
func (e *modelEpisode) counted(messages []*schemas.ThreadMessage) []span {
	stretches := waits(messages)
	if e.outbound() {
		return stretches
	}
	first := forever
	if len(messages) > 0 {
		first = messages[0].AtMs
	}
	if first > e.startedAt() {
		stretches = append([]span{{e.startedAt(), first}}, stretches...)
	}
	return stretches
}

// waitingSince is the start of the present wait (3).
func (e *modelEpisode) waitingSince(messages []*schemas.ThreadMessage) (int64, bool) {
	if len(messages) == 0 {
		return e.startedAt(), !e.outbound()
	}
	waits := waits(messages)
	if len(waits) == 0 || waits[len(waits)-1].to != forever {
		return 0, false
	}
	return waits[len(waits)-1].from, true
}

// answer is the first agent's message after an instant; in the same millisecond,
// one that is listed after the customer's.
func answer(messages []*schemas.ThreadMessage, after int64) (int64, bool) {
	asked := false
	for _, m := range messages {
		if byCustomer(m) {
			asked = asked || m.AtMs == after
		} else if m.AtMs > after || m.AtMs == after && asked {
			return m.AtMs, true
		}
	}
	return 0, false
}

// firstReply is "the episode's first agent message" (4); one from before the
// customer came back is no answer to him (6).
func firstReply(messages []*schemas.ThreadMessage, startedAt int64) (int64, bool) {
	return answer(messages, startedAt)
}

// due returns where an objective's stretch starts and when the counted time since
// then reaches at (4). It asks nothing of what was raised, nor whether the
// episode is stopped.
func (r *modelRules) due(e *modelEpisode, p *sla.Policy, o *sla.Objective, at int64) (start, due int64, ok bool) {
	hours := r.calendars[o.Hours]
	messages := e.messages(p.Bots == sla.BotsReply)
	switch o.Objective {
	case sla.Reply:
		if start, ok = e.waitingSince(messages); !ok {
			return 0, 0, false
		}
	case sla.FirstReply:
		// "`startedAt` (INBOUND only) ... until the episode's first agent message."
		if e.outbound() {
			return 0, 0, false
		}
		start = e.startedAt()
		due, ok = hours.Add(start, at)
		_, answered := firstReply(messages, start)
		return start, due, ok && !answered
	case sla.Open:
		start = e.startedAt()
	case sla.Resolution:
		// "For `resolution` there is none while not waiting, unless it was reached
		// before": the stretches of the past end where the waiting did.
		start = e.startedAt()
		due, ok = reach(hours, e.counted(messages), start, at)
		return start, due, ok
	}
	due, ok = hours.Add(start, at)
	return start, due, ok
}

// reach is the earliest instant at which the open time in the stretches, from
// start on, reaches at.
func reach(hours *calendar.Calendar, stretches []span, start, at int64) (int64, bool) {
	for _, s := range stretches {
		from := max(s.from, start)
		if due, ok := hours.Add(from, at); ok && due <= s.to {
			return due, true
		}
		if s.to == forever {
			break
		}
		at -= hours.Elapsed(from, s.to)
	}
	return 0, false
}

// dueTier is a tier that has a due.
type dueTier struct {
	policy     *sla.Policy
	objective  *sla.Objective
	tier       *sla.Tier
	start, due int64
}

func (t dueTier) at() int64 { return t.tier.At.Milliseconds() }

// dueTiers are the tiers of the policy in force that have a due and are "not
// raised for this stretch", "in order of (due, objective, at)" (5).
func (c *modelConversation) dueTiers(e *modelEpisode) []dueTier {
	p := c.policy(e)
	if p == nil {
		return nil
	}
	var tiers []dueTier
	for i := range p.Objectives {
		o := &p.Objectives[i]
		for j := range o.Tiers {
			t := dueTier{policy: p, objective: o, tier: &o.Tiers[j]}
			var ok bool
			if t.start, t.due, ok = c.rules.due(e, p, o, t.at()); ok && !c.raisedFor(e, t) && !c.isActing(t) {
				tiers = append(tiers, t)
			}
		}
	}
	slices.SortFunc(tiers, func(a, b dueTier) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.objective.Objective, b.objective.Objective), cmp.Compare(a.at(), b.at()))
	})
	return tiers
}
