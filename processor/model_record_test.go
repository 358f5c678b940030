package processor_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"unpark/processor/calendar"
	"unpark/processor/sla"
	"unpark/schemas"
)

// modelRaised is what is remembered of a raised tier: "with the start and due
// known at that moment" (5), and its fate.
type modelRaised struct {
	dueTier
	rules  *modelRules        // "the policy version that it was raised under" (6)
	record schemas.Escalation // as raised
	fate   string             // raised, cleared, retracted, policy
}

// raisedFor: "A tier is raised once per stretch (a wait, or an episode)" (5). What
// was retracted "may be raised again when it is due again", and what the policy
// cleared too (6). What an answer cleared stays settled as long as that answer is
// known: if it vanished, nobody was answered. A wait that was answered is over,
// and the next one is another stretch.
func (c *modelConversation) raisedFor(e *modelEpisode, t dueTier) bool {
	return slices.ContainsFunc(c.raised, func(r *modelRaised) bool {
		if r.objective.Objective != t.objective.Objective || r.at() != t.at() {
			return false
		}
		_, answered := c.answered(e, &modelRaised{dueTier: t}, nil)
		return r.fate == "raised" || r.fate == "cleared" && answered && t.objective.Objective == sla.FirstReply
	})
}

func (c *modelConversation) raise(now int64, e *modelEpisode, t dueTier, verified bool) []*schemas.Escalation {
	key := raisingKey{t.objective.Objective, t.at(), t.due}
	c.raisings[key]++
	r := &modelRaised{dueTier: t, fate: "raised", rules: c.rules, record: schemas.Escalation{
		ID: escalationID(c, key), Status: "raised", Kind: t.tier.Kind, Org: c.org, Conversation: c.id,
		Objective: t.objective.Objective, TierSeconds: t.at() / 1000, Policy: t.policy.Name, PolicyVersion: c.rules.version,
		Start: schemas.Instant(t.start), Due: schemas.Instant(t.due),
		Verified: verified,
	}}
	if t.tier.Action != "" {
		obstacle := c.obstacle(now, e, t.tier.Action, verified)
		if obstacle == "" {
			// "A tier with an action is raised when the action is done, refused or timed
			// out" (5).
			c.raisings[key]--
			c.model.acts[c.org] = append(c.model.acts[c.org], now)
			c.acting = &modelAct{raised: r, key: key}
			c.acting.request = c.ask(now, "act", "action", t.due)
			return nil
		}
		r.record.Action = &schemas.ActionRef{Do: t.tier.Action, Outcome: "not_taken", Reason: &obstacle}
	}
	c.raised = append(c.raised, r)
	return []*schemas.Escalation{c.tell(now, e, r, now)}
}

// escalationID: "hex of the first 16 bytes of SHA-256 over
// orgId|conversationId|objective|at in ms|due in epoch ms, and `|n` appended for
// the n-th raising (n >= 2)" (5).
func escalationID(c *modelConversation, key raisingKey) string {
	s := fmt.Sprintf("%s|%s|%s|%d|%d", c.org, c.id, key.objective, key.at, key.due)
	if n := c.raisings[key]; n >= 2 {
		s += fmt.Sprintf("|%d", n)
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// judge judges each raised tier again, "with the policy version that it was
// raised under" (6). closedAt is the episode's end once it has closed.
func (c *modelConversation) judge(now int64, closedAt *int64) []*schemas.Escalation {
	e := c.episode()
	var out []*schemas.Escalation
	for _, r := range c.raised {
		if r.fate != "raised" {
			continue
		}
		until, reason := now, ""
		answered, ok := c.answered(e, r, closedAt)
		switch {
		case ok && answered >= r.due:
			r.fate, until = "cleared", answered
		case ok:
			r.fate, until = "retracted", answered
		case !c.stillDue(now, e, r):
			r.fate = "retracted"
		case !c.promised(e, r):
			r.fate, reason = "policy", "policy"
		default:
			continue
		}
		record := c.tell(now, e, r, until)
		if record.Status = r.fate; reason != "" {
			record.Status, record.Reason = "cleared", &reason
		}
		out = append(out, record)
	}
	return out
}

// answered: "A is the first answer after s (reply, first_reply: an agent's
// message; all: the end of the episode once it has closed)" (6).
func (c *modelConversation) answered(e *modelEpisode, r *modelRaised, closedAt *int64) (int64, bool) {
	at, ok := forever, false
	if closedAt != nil {
		at, ok = *closedAt, true
	}
	if o := r.objective.Objective; o == sla.Reply || o == sla.FirstReply {
		if message, found := answer(e.messages(r.policy.Bots == sla.BotsReply), r.start); found {
			at, ok = min(at, message), true
		}
	}
	return at, ok
}

// stillDue: "No A, but by the facts as now known it has no due, or the due lies
// after now: retracted" (6).
func (c *modelConversation) stillDue(now int64, e *modelEpisode, r *modelRaised) bool {
	_, due, ok := r.rules.due(e, r.policy, r.objective, r.at())
	return ok && due <= now
}

// promised: "unless the policy that now applies has no such objective and `at`,
// or none applies" (6).
func (c *modelConversation) promised(e *modelEpisode, r *modelRaised) bool {
	p := c.policy(e)
	return p != nil && slices.ContainsFunc(p.Objectives, func(o sla.Objective) bool {
		return o.Objective == r.objective.Objective &&
			slices.ContainsFunc(o.Tiers, func(t sla.Tier) bool { return t.At.Milliseconds() == r.at() })
	})
}

// tell fills in what a record says of the present: "media, queue and agent are as
// now known" (6).
func (c *modelConversation) tell(now int64, e *modelEpisode, r *modelRaised, until int64) *schemas.Escalation {
	record := r.record
	record.At = schemas.Instant(now)
	record.Media, record.MessageType = text(e.media()), text(e.messageType())
	record.Queue, record.Agent = e.queueRef(), e.agentRef()
	if o := e.newest(); o != nil {
		at := schemas.Instant(o.ObservedAtMs)
		record.ObservedAt = &at
	}
	record.Explain = c.explain(e, r, until)
	elapsed := schemas.Instant(0)
	for _, i := range record.Explain {
		if i.State == "running" {
			elapsed += i.To - i.From
		}
	}
	record.Elapsed = int64(elapsed) / 1000
	return &record
}

// explain cuts [s, until) into "running, not_waiting, holiday, closed (where
// several apply: not_waiting, then holiday, then closed)" (6). first_reply and
// open count whether or not somebody waits (4).
func (c *modelConversation) explain(e *modelEpisode, r *modelRaised, until int64) []schemas.Interval {
	explain := []schemas.Interval{}
	waiting := []span{{r.start, forever}}
	switch messages := e.messages(r.policy.Bots == sla.BotsReply); r.objective.Objective {
	case sla.Reply, sla.Resolution:
		waiting = e.counted(messages)
	case sla.FirstReply:
		if first, answered := firstReply(messages, r.start); answered {
			waiting[0].to = max(first, r.start)
		}
		if e.outbound() {
			waiting = nil
		}
	}
	cuts := []int64{r.start, until}
	for _, w := range waiting {
		cuts = append(cuts, w.from, w.to)
	}
	hours := r.rules.calendars[r.objective.Hours].Intervals(r.start, until)
	for _, i := range hours {
		cuts = append(cuts, i.From)
	}
	slices.Sort(cuts)
	for i, from := range cuts[:len(cuts)-1] {
		to := cuts[i+1]
		if from < r.start || to > until || from == to {
			continue
		}
		state := "not_waiting"
		if slices.ContainsFunc(waiting, func(w span) bool { return w.from <= from && from < w.to }) {
			h := slices.IndexFunc(hours, func(h calendar.Interval) bool { return h.From <= from && from < h.To })
			state = map[calendar.State]string{calendar.Open: "running", calendar.Holiday: "holiday", calendar.Closed: "closed"}[hours[h].State]
		}
		if n := len(explain); n > 0 && explain[n-1].State == state {
			explain[n-1].To = schemas.Instant(to)
			continue
		}
		explain = append(explain, schemas.Interval{From: schemas.Instant(from), To: schemas.Instant(to), State: state})
	}
	return explain
}
