package genesys

import (
	"context"
	"strings"
	"time"

	"unpark/connectors/genesys/api"
	"unpark/schemas"
)

// What can be done, and what came of it.
const (
	doRequeue    = "requeue"
	doDisconnect = "disconnect"

	outcomeDone    = "done"
	outcomeDryRun  = "dry_run"
	outcomeRefused = "refused"
	outcomeFailed  = "failed"
)

// Reasons why an action was refused. One that failed has the reason of the call.
const (
	refusedOff          = "off"           // actions.mode
	refusedCap          = "per_hour"      // actions.per_hour is used up
	refusedEnded        = "ended"         // the conversation is over
	refusedNotHeld      = "not_held"      // nobody holds it
	refusedAgentChanged = "agent_changed" // somebody else holds it, or in another session
	refusedMoved        = "moved"         // it is in another queue
	refusedUnknown      = "unknown"       // neither requeue nor disconnect, or to no queue
)

func acted(r *schemas.GenesysRequest, outcome, reason string, at time.Time) *schemas.InputRecord {
	return &schemas.InputRecord{Kind: &schemas.InputRecord_ActionDone{ActionDone: &schemas.ActionDone{
		OrgId: r.OrgId, ConversationId: r.ConversationId, RequestId: r.Id, Do: r.GetAct().GetDo(),
		Outcome: outcome, Reason: reason, AtMs: at.UnixMilli(),
	}}}
}

func (d *desk) act(t *task, set settings, client *Client) *schemas.InputRecord {
	ctx, cancel := context.WithTimeout(withTicket(t.ctx), client.budget())
	defer cancel()
	outcome, reason := d.perform(ctx, t, set, client)
	now := d.office.deps.Clock.Now()
	d.log.Info("action", schemas.LogConversation, t.request.ConversationId, "do", t.request.GetAct().Do,
		"outcome", outcome, schemas.LogReason, reason)
	return acted(t.request, outcome, reason, now)
}

// perform acts at most once, however often the request is read: it looks first,
// sends one call, and looks again if it cannot tell what became of that.
func (d *desk) perform(ctx context.Context, t *task, set settings, client *Client) (outcome, reason string) {
	if set.Actions.Mode == actionsOff {
		return outcomeRefused, refusedOff
	}
	s, err := client.look(ctx, t.request.ConversationId)
	d.note(t, err)
	if err != nil {
		return outcomeFailed, asError(err).Reason
	}
	if outcome, reason = judge(t, s); outcome != "" {
		if t.mayHaveActed(outcome, reason) {
			d.taken.note(t.request.Id, d.office.deps.Clock.Now())
		}
		return outcome, reason
	}
	if t.request.GetAct().DryRun || set.Actions.Mode != actionsLive {
		return outcomeDryRun, ""
	}
	if d.late(t, set) || ctx.Err() != nil || t.recall != nil && !t.recall.known() {
		return outcomeFailed, ReasonTimeout
	}
	if !d.taken.take(t.request.Id, d.office.deps.Clock.Now(), set.Actions.PerHour) {
		return outcomeRefused, refusedCap
	}
	// From here on it is carried through, whoever owns the partition.
	through, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTimeout)
	defer cancel()
	if err := client.take(through, t.request, s); err != nil {
		return d.resolve(t, set, client, err)
	}
	return outcomeDone, ""
}

// judge says what becomes of an action without a call, nothing if it is to be
// taken. A transfer to the queue since the request was made is this one, from
// before a crash; so is a disconnect if the request was here before.
func judge(t *task, s *sight) (outcome, reason string) {
	act := t.request.GetAct()
	queue := target(act, s)
	switch o := s.observed; {
	case act.Do != doRequeue && act.Do != doDisconnect:
		return outcomeRefused, refusedUnknown
	case act.Do == doRequeue && !act.DryRun && transferred(s.conversation, queue, t.made()):
		return outcomeDone, ""
	case act.Do == doDisconnect && !act.DryRun && t.again() && hungUp(s, act, t.made()):
		return outcomeDone, ""
	case o.EndedAtMs != nil:
		return outcomeRefused, refusedEnded
	case !s.held:
		return outcomeRefused, refusedNotHeld
	case !concerns(act, s.holder):
		return outcomeRefused, refusedAgentChanged
	case act.QueueId != "" && o.QueueId != act.QueueId:
		return outcomeRefused, refusedMoved
	case act.Do == doRequeue && queue == "":
		return outcomeRefused, refusedUnknown
	}
	return "", ""
}

// concerns says whether a leg is that of the agent whom an action is about.
func concerns(act *schemas.Act, l leg) bool {
	return l.who.UserId == act.AgentId && (act.AgentParticipantId == "" || l.who.Id == act.AgentParticipantId)
}

// hungUp says whether a conversation is over since the agent's part was ended, after
// since: the customer's ends some milliseconds later then. If the customer leaves, it is
// the other way round.
func hungUp(s *sight, act *schemas.Act, since time.Time) bool {
	var agent, customer time.Time
	for _, l := range s.legs {
		switch {
		case l.side() == schemas.Author_AUTHOR_CUSTOMER:
			customer = latest(customer, l.end())
		case concerns(act, l):
			agent = latest(agent, l.end())
		}
	}
	return s.observed.EndedAtMs != nil && !agent.Before(since) && !agent.After(customer)
}

// target is the queue that a conversation goes back to.
func target(act *schemas.Act, s *sight) string {
	if act.QueueId != "" {
		return act.QueueId
	}
	return s.observed.QueueId
}

func transferred(c *api.Conversation, queue string, since time.Time) bool {
	if c == nil || queue == "" {
		return false
	}
	for _, x := range c.RecentTransfers {
		if x.Destination.QueueId == queue && !x.DateIssued.Before(since) && lives(x.State) {
			return true
		}
	}
	return false
}

// take sends the one call.
func (c *Client) take(ctx context.Context, r *schemas.GenesysRequest, s *sight) error {
	media := pathMessages
	if s.holder.media == mediaEmail {
		media = pathEmails
	}
	if r.GetAct().Do == doDisconnect {
		return c.Disconnect(ctx, media, r.ConversationId, s.holder.who.Id)
	}
	return c.Replace(ctx, media, r.ConversationId, s.holder.who.Id, target(r.GetAct(), s))
}

// lookAgain is how soon a conversation is looked at again after a call that may still
// work, every time twice as late, and lookLast the last time.
const (
	lookAgain = 2 * time.Second
	lookLast  = 16 * time.Second
)

// resolve says what became of a call that failed. One that Genesys refused was
// not taken; of another only the conversation tells, and maybe not at once. While it
// cannot be looked at nothing is known. Whoever has the partition next looks on from
// there.
func (d *desk) resolve(t *task, set settings, c *Client, failed error) (outcome, reason string) {
	e := asError(failed)
	if e.Reason != ReasonTimeout && e.Reason != ReasonUnavailable {
		return outcomeFailed, e.Reason
	}
	ctx, cancel := context.WithTimeout(t.ctx, max(c.budget(), c.clock.Wall(d.left(t, set))))
	defer cancel()
	for pause := lookAgain; ; pause *= 2 {
		s, err := c.look(ctx, t.request.ConversationId)
		switch {
		case err == nil && took(t, s):
			return outcomeDone, ""
		case err == nil && pause > lookLast, sleep(ctx, c.clock, pause) != nil:
			return outcomeFailed, e.Reason
		}
	}
}

// took says whether a call that was sent has worked.
func took(t *task, s *sight) bool {
	if t.request.GetAct().Do == doDisconnect && (!s.held || s.observed.EndedAtMs != nil) {
		return true
	}
	outcome, _ := judge(t, s)
	return outcome == outcomeDone
}

// lives says that a transfer was neither given up nor did it fail.
func lives(state string) bool {
	switch strings.ToLower(state) {
	case "failed", "canceled", "cancelled", "timeout":
		return false
	}
	return true
}
