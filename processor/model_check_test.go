package processor_test

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"unpark/processor/calendar"
	"unpark/processor/sla"
	"unpark/schemas"
)

// modelRequest is a request to Genesys.
type modelRequest struct {
	id, what string
	asked    int64
	counted  *int64 // "from the first tick after the request" (5)
	// forTier: it was made since a tier was due.
	forTier bool
	// paused is the model's when it was made or, if there was one, at the first tick
	// after; again: it repeats one that was lost.
	paused int64
	again  bool
	// outcome is empty while the answer is awaited, then observed or failed until a
	// tick has judged it, then judged.
	outcome string
}

func (r *modelRequest) awaited() bool { return r != nil && r.outcome == "" }

// modelAct is an action that was asked for, and the tier that waits for it.
type modelAct struct {
	request *modelRequest
	raised  *modelRaised
	key     raisingKey
}

func (r *modelRules) checkTimeout() int64 { return orDefault(r.timing.CheckTimeout, 5*time.Minute) }
func (r *modelRules) followup() int64     { return orDefault(r.timing.Followup, 15*time.Minute) }
func (r *modelRules) lead() int64         { return orDefault(r.timing.Lead, 10*time.Minute) }

// needsCheck: "for `reply`, `first_reply` and `resolution`, and before any action,
// the newest observation must be fresh" (5.2); where actions are off, none is taken.
func (r *modelRules) needsCheck(t dueTier) bool {
	action := t.tier.Action != "" && r.actions.Mode != "off"
	return r.checks && (t.objective.Objective != sla.Open || action)
}

// knows reports whether a tier that is due can be told, and whether it is verified
// then.
func (c *modelConversation) knows(now int64, e *modelEpisode, t dueTier) (verified, known bool) {
	newest := e.newest()
	fresh := newest != nil && now-newest.ObservedAtMs <= c.rules.fresh()
	if fresh || !c.rules.needsCheck(t) {
		return fresh, true
	}
	if c.check == nil {
		return false, false
	}
	switch {
	case c.check.outcome == "observed" && c.check.asked >= t.due+c.rules.grace():
		// "Or the answer to a request made for this tier" (5.2).
		return newest != nil, true
	case c.check.outcome == "failed" && c.check.forTier:
		return c.seenEarly(e, t), true
	}
	return false, false
}

// seenEarly: "If the look at due is not answered in time the early one stands" (5.5);
// "an action is never taken unverified" (5.7).
func (c *modelConversation) seenEarly(e *modelEpisode, t dueTier) bool {
	newest := e.newest()
	return newest != nil && newest.ObservedAtMs >= t.due-c.rules.lead() && t.tier.Kind != "action"
}

// ask makes a request, unless the text says that there is none to make.
func (c *modelConversation) ask(now int64, kind, what string, due int64) *modelRequest {
	r := &modelRequest{what: what, asked: now, paused: c.model.paused}
	key := requestKey(c.org, c.id, kind, now)
	if ids := c.model.ids[key]; len(ids) > 0 {
		r.id, c.model.ids[key] = ids[0], ids[1:]
	}
	c.model.requests = append(c.model.requests, fmt.Sprintf("%s %s/%s %s %s due %s",
		showTime(schemas.Instant(now)), c.org, c.id, kind, what, showTime(schemas.Instant(due))))
	return r
}

// requestKey names the requests of a kind that a conversation makes in an instant,
// which is seldom more than one.
func requestKey(org, conversation, kind string, asked int64) string {
	return fmt.Sprintf("%s/%s %s %d", org, conversation, kind, asked)
}

// answer notes that an input answers the check that is awaited.
func (c *modelConversation) answer(in *schemas.InputRecord) {
	failed, observed := in.GetCheckFailed(), in.GetThreadObserved()
	switch {
	case !c.check.awaited():
	case failed != nil && failed.RequestId == c.check.id:
		c.check.outcome = "failed"
	case observed != nil && observed.RequestId == c.check.id:
		c.check.outcome = "observed"
		if c.closedAt != nil && observed.ObservedAtMs <= *c.closedAt {
			c.check.outcome = "failed" // it saw the episode before
		}
	}
}

// expire: "No answer within `check_timeout`, from the first tick after the request"
// (5.2). With checks off nobody waits for a look.
func (c *modelConversation) expire(now int64) []*schemas.Escalation {
	if !c.rules.checks {
		c.check = nil
	}
	if c.check.awaited() {
		if c.check.counted == nil {
			c.check.paused = c.model.paused
		}
		if c.timedOut(now, c.check) {
			c.check.outcome = "failed"
		}
	}
	c.again = false
	if r := c.check; r != nil && r.outcome == "failed" && !r.again {
		// "After an outage it is asked for once more" (5.2).
		if paused := c.model.paused - r.paused; paused > 0 && paused >= c.rules.checkTimeout() {
			r.outcome, c.again = "judged", true
		}
	}
	return c.expireAction(now)
}

// expireAction: an action's tier is raised when it "timed out" (5.7), for which a
// conversation that is over waits.
func (c *modelConversation) expireAction(now int64) []*schemas.Escalation {
	if c.acting == nil || !c.timedOut(now, c.acting.request) {
		return nil
	}
	return c.acted(now, "failed", "timeout")
}

func (c *modelConversation) timedOut(now int64, r *modelRequest) bool {
	if r.counted == nil && now > r.asked {
		r.counted = &now
	}
	return r.counted != nil && now >= *r.counted+c.rules.checkTimeout()
}

// look asks for what the tick asks for: "one outstanding per conversation" (5.2).
func (c *modelConversation) look(now int64, e *modelEpisode, held []dueTier) {
	if !c.rules.checks {
		return
	}
	if c.check != nil && !c.check.awaited() {
		c.check.outcome = "judged"
	}
	switch {
	case len(held) > 0:
		if c.check.awaited() && c.check.forTier {
			return
		}
		// What was not seen early is the more urgent (DECISIONS.md).
		kinds, most := []string{"action", "breach", "warning", "look_ahead"}, 3
		for _, t := range held {
			n := slices.Index(kinds, t.tier.Kind)
			if c.seenEarly(e, t) {
				n++
			}
			most = min(most, n)
		}
		c.check = c.ask(now, "check", kinds[most], held[0].due)
		c.check.forTier, c.check.again = true, c.again
	case c.check.awaited():
	default:
		for _, planned := range c.planned(now, e) {
			if planned.at <= now {
				c.check = c.ask(now, "check", planned.what, planned.due)
				c.check.again = c.again
				return
			}
		}
	}
}

type modelLook struct {
	what    string
	at, due int64
}

// planned are the looks that nothing due asks for, the most urgent first.
func (c *modelConversation) planned(now int64, e *modelEpisode) (looks []modelLook) {
	lead, newest := c.rules.lead(), e.newest()
	last, looked := int64(0), false
	if newest != nil {
		last, looked = newest.ObservedAtMs, true
	}
	if c.check != nil {
		last, looked = max(last, c.check.asked), true
	}
	for _, t := range c.dueTiers(e) {
		// "A first look is spread by hash over [due - lead, due)" (5.5).
		if now >= t.due || lead == 0 || !c.rules.needsCheck(t) || looked && last >= t.due-lead {
			continue
		}
		h := fnv.New64a()
		h.Write([]byte(c.org + "|" + c.id))
		sum := h.Sum64()
		if at := t.due - lead + int64((sum^sum>>32)%uint64(lead)); at > t.start {
			looks = append(looks, modelLook{"look_ahead", at, t.due})
		}
	}
	if at, ok := c.couldBeDue(e); ok {
		if c.check != nil && c.check.asked >= at {
			at = c.check.asked + max(c.rules.checkTimeout(), minute)
		}
		looks = append(looks, modelLook{"look_ahead", at, at})
	}
	// "While something is raised and not cleared, look again every `followup`" (5.6).
	i := slices.IndexFunc(c.raised, func(r *modelRaised) bool { return r.fate == "raised" })
	if every := c.rules.followup(); i >= 0 && every > 0 {
		if !looked {
			for _, r := range c.raised {
				if r.fate == "raised" {
					last = max(last, r.due)
				}
			}
		}
		looks = append(looks, modelLook{"follow_up", last + every, last + every})
	}
	return looks
}

// couldBeDue: "the next look is at the earliest instant at which anything could, had
// the customer written right after the newest observation (none: right after
// `startedAt`): over all objectives and unraised tiers the earliest
// `Add(observedAt, at - counted so far)`" (5.4).
func (c *modelConversation) couldBeDue(e *modelEpisode) (int64, bool) {
	p := c.policy(e)
	if p == nil {
		return 0, false
	}
	messages := e.messages(p.Bots == sla.BotsReply)
	if _, waiting := e.waitingSince(messages); waiting {
		return 0, false
	}
	from := e.startedAt()
	if o := e.newest(); o != nil {
		from = o.ObservedAtMs
	}
	if n := len(messages); n > 0 {
		from = max(from, messages[n-1].AtMs)
	}
	at, ok := forever, false
	for i := range p.Objectives {
		o := &p.Objectives[i]
		hours, counted := c.rules.calendars[o.Hours], int64(0)
		switch o.Objective {
		case sla.Resolution:
			counted = elapsed(hours, e.counted(messages), e.startedAt())
		case sla.Reply:
		default:
			continue // these wait for nobody's message
		}
		for j := range o.Tiers {
			t := dueTier{policy: p, objective: o, tier: &o.Tiers[j]}
			if _, _, due := c.rules.due(e, p, o, t.at()); due || c.raisedFor(e, t) {
				continue
			}
			if x, reached := hours.Add(from, t.at()-counted); reached {
				at, ok = min(at, x), true
			}
		}
	}
	return at, ok
}

func elapsed(hours *calendar.Calendar, stretches []span, start int64) (n int64) {
	for _, s := range stretches {
		if from := max(s.from, start); from < s.to {
			n += hours.Elapsed(from, s.to)
		}
	}
	return n
}

// isActing: the tier's action was asked for.
func (c *modelConversation) isActing(t dueTier) bool {
	return c.acting != nil && c.acting.raised.objective.Objective == t.objective.Objective && c.acting.raised.at() == t.at()
}

// obstacle says why no action is taken: "An action is never taken unverified; with
// `checks: off` its tier is raised at once, `not_taken`" (5.7).
func (c *modelConversation) obstacle(now int64, e *modelEpisode, do string, verified bool) string {
	o := e.newest()
	switch {
	case !c.rules.checks:
		return "checks_off"
	case c.rules.actions.Mode == "off":
		return "actions_off"
	case !verified || o == nil:
		return "unverified"
	}
	for _, s := range e.sessions() {
		after := func(at *int64) bool { return at != nil && *at > o.ObservedAtMs }
		if s.leg == "user" && s.queue != "" && (after(s.start) || after(s.end)) {
			return "moved"
		}
	}
	for _, s := range e.starts() {
		if l, _ := leg(s); (l == "acd" || l == "user") && s.QueueId != "" && s.EventTimeMs > o.ObservedAtMs {
			return "moved"
		}
	}
	switch {
	case do == sla.ActionRequeue && o.Agent.GetId() == "":
		return "no_agent"
	case do == sla.ActionRequeue && cmp.Or(o.QueueId, e.queue()) == "":
		return "no_queue"
	case c.actsWithinAnHour(now) >= c.rules.actions.PerHour:
		return "cap"
	}
	return ""
}

// actsWithinAnHour counts the org's actions in this partition.
func (c *modelConversation) actsWithinAnHour(now int64) (n int) {
	for _, at := range c.model.acts[c.org] {
		if at+hour > now {
			n++
		}
	}
	return n
}

// actionDone: the outcome of the action that was asked for.
func (c *modelConversation) actionDone(now int64, done *schemas.ActionDone) []*schemas.Escalation {
	if c.acting == nil || c.acting.request.id != done.RequestId {
		return nil
	}
	return c.acted(now, done.Outcome, done.Reason)
}

// acted raises the tier with its outcome; one of which nothing was done, and that is
// not due any more, has nothing to tell (DECISIONS.md).
func (c *modelConversation) acted(now int64, outcome, reason string) []*schemas.Escalation {
	a, e := c.acting, c.episode()
	c.acting = nil
	if outcome != "done" {
		_, stopped := e.stopped()
		p := c.policy(e)
		if stopped || !c.promised(e, a.raised) {
			return nil
		}
		i := slices.IndexFunc(p.Objectives, func(o sla.Objective) bool { return o.Objective == a.raised.objective.Objective })
		if _, due, ok := c.rules.due(e, p, &p.Objectives[i], a.raised.at()); !ok || due > now {
			return nil
		}
	}
	c.raisings[a.key]++
	a.raised.record.Action = &schemas.ActionRef{Do: a.raised.tier.Action, Outcome: outcome, Reason: text(reason)}
	c.raised = append(c.raised, a.raised)
	return append([]*schemas.Escalation{c.tell(now, e, a.raised, now)}, c.judge(now, nil)...)
}

// describe writes a request of the processor as the model does.
func describe(r *schemas.GenesysRequest) (key, line string) {
	kind := "check"
	if r.GetAct() != nil {
		kind = "act"
	}
	return requestKey(r.OrgId, r.ConversationId, kind, r.RequestedAtMs), fmt.Sprintf("%s %s/%s %s %s due %s",
		showTime(schemas.Instant(r.RequestedAtMs)), r.OrgId, r.ConversationId, kind,
		strings.ToLower(strings.TrimPrefix(r.Urgency.String(), "URGENCY_")), showTime(schemas.Instant(r.DueMs)))
}
