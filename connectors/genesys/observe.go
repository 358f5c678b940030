package genesys

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"unpark/connectors/genesys/api"
	"unpark/schemas"
)

// Observe looks at a conversation: who holds it, who wrote when, whether it is
// over. The observation names neither org nor request.
func (c *Client) Observe(ctx context.Context, id string) (*schemas.ThreadObserved, error) {
	l, err := c.look(ctx, id)
	if err != nil {
		return nil, err
	}
	return l.observed, nil
}

// sight is one look at a conversation.
type sight struct {
	conversation *api.Conversation // nil: only analytics knows it
	legs         []leg
	holder       leg
	held         bool
	observed     *schemas.ThreadObserved
}

func (c *Client) look(ctx context.Context, id string) (*sight, error) {
	at := c.clock.Now()
	conv, err := c.Conversation(ctx, id)
	if err != nil {
		if asError(err).Reason == ReasonNotFound {
			return c.lookBack(ctx, id, at, err)
		}
		return nil, err
	}
	s := &sight{conversation: conv, legs: legs(conv)}
	s.holder, s.held = holder(s.legs)
	s.observed = &schemas.ThreadObserved{ConversationId: id, ObservedAtMs: at.UnixMilli(), StartedAtMs: ms(startedAt(s.legs)), EndedAtMs: ms(endedAt(conv, s.legs))}
	queue, name := queueOf(conv)
	if name == "" {
		name = c.queueName(ctx, queue)
	}
	s.observed.QueueId, s.observed.QueueName = queue, name
	var details *api.AnalyticsConversation
	s.held = s.held && s.observed.EndedAtMs == nil
	if s.held {
		s.observed.Agent = c.agent(ctx, s.holder)
	} else if s.observed.EndedAtMs == nil && !queued(s.legs, conv) {
		// Nobody holds it, it waits in no queue and is not over: the answer lacks
		// something.
		if details, err = c.fillIn(ctx, s); err != nil {
			return nil, err
		}
	}
	return s, c.thread(ctx, s, details)
}

// lookBack asks analytics for a conversation that is gone.
func (c *Client) lookBack(ctx context.Context, id string, at time.Time, gone error) (*sight, error) {
	d, err := c.Details(ctx, id)
	if err != nil && asError(err).Reason != ReasonNotFound {
		return nil, err
	}
	if err != nil || d.ConversationEnd.IsZero() {
		return nil, gone
	}
	return &sight{observed: &schemas.ThreadObserved{ConversationId: id, ObservedAtMs: at.UnixMilli(), EndedAtMs: ms(d.ConversationEnd.Time)}}, nil
}

// agent describes who holds the conversation.
func (c *Client) agent(ctx context.Context, l leg) *schemas.Agent {
	name := l.who.Name
	if name == "" {
		name = c.userName(ctx, l.who.UserId)
	}
	return &schemas.Agent{Id: l.who.UserId, Name: name, ParticipantId: l.who.Id, State: l.state(), SinceMs: ms(l.since())}
}

// queued says whether the conversation waits for an agent or works through a flow.
func queued(all []leg, c *api.Conversation) bool {
	return waits(c) || slices.ContainsFunc(all, func(l leg) bool { return l.open() && l.side() == schemas.Author_AUTHOR_BOT })
}

// fillIn takes agent and end from analytics. If that may not be read, the
// observation stands as it is.
func (c *Client) fillIn(ctx context.Context, s *sight) (*api.AnalyticsConversation, error) {
	d, err := c.Details(ctx, s.observed.ConversationId)
	if err != nil {
		return nil, unlessRefused(err)
	}
	s.observed.EndedAtMs = ms(d.ConversationEnd.Time)
	if s.observed.EndedAtMs == nil {
		s.observed.Agent = c.detailsAgent(ctx, d)
	}
	return d, nil
}

// unlessRefused returns nil for what Genesys has refused to tell, else err.
func unlessRefused(err error) error {
	if err != nil && asError(err).refused() {
		return nil
	}
	return err
}

// detailsAgent is the agent whose newest segment has no end and is no wrap-up.
func (c *Client) detailsAgent(ctx context.Context, d *api.AnalyticsConversation) *schemas.Agent {
	var best *schemas.Agent
	for _, p := range d.Participants {
		if !strings.EqualFold(p.Purpose, "agent") {
			continue
		}
		for _, session := range p.Sessions {
			for _, g := range session.Segments {
				if !g.SegmentEnd.IsZero() || strings.EqualFold(g.SegmentType, "wrapup") || g.SegmentStart.IsZero() {
					continue
				}
				if best == nil || g.SegmentStart.UnixMilli() >= *best.SinceMs {
					best = &schemas.Agent{Id: p.UserId, Name: p.ParticipantName, ParticipantId: p.ParticipantId, State: segmentState(g.SegmentType), SinceMs: ms(g.SegmentStart.Time)}
				}
			}
		}
	}
	if best != nil && best.Name == "" {
		best.Name = c.userName(ctx, best.Id)
	}
	return best
}

func segmentState(segment string) string {
	switch strings.ToLower(segment) {
	case "alert":
		return stateAlerting
	case "parked":
		return stateParked
	}
	return stateConnected
}

// thread adds the messages. A mail's writer is looked up in analytics and among
// the agents only if the conversation itself does not tell.
func (c *Client) thread(ctx context.Context, s *sight, details *api.AnalyticsConversation) error {
	ms := written(s.legs)
	if slices.ContainsFunc(s.legs, func(l leg) bool { return l.media == mediaEmail }) {
		all, err := c.Mails(ctx, s.observed.ConversationId)
		if err != nil {
			return err
		}
		mails, a := sent(all, s.legs), newAddresses()
		a.participants(s.conversation)
		if unknownWriter(mails, a) {
			if err := c.lookUpWriters(ctx, s, mails, a, details); err != nil {
				return err
			}
		}
		ms = append(ms, mailed(mails, a)...)
	}
	s.observed.Messages = newest(ms)
	return nil
}

// lookUpWriters fails rather than to take an agent's mail for the customer's while
// analytics or the agents cannot be asked.
func (c *Client) lookUpWriters(ctx context.Context, s *sight, mails []api.EmailMessage, a addresses, details *api.AnalyticsConversation) (err error) {
	if details == nil {
		if details, err = c.Details(ctx, s.observed.ConversationId); unlessRefused(err) != nil {
			return err
		}
	}
	if details != nil {
		a.details(details)
	}
	var unasked error
	for i := range s.conversation.Participants {
		if p := &s.conversation.Participants[i]; side(p) == schemas.Author_AUTHOR_AGENT {
			agent, err := c.user(ctx, p.UserId)
			add(a.ours, agent.email)
			unasked = cmp.Or(unasked, err)
		}
	}
	if unknownWriter(mails, a) {
		return unasked
	}
	return nil
}

// ms returns milliseconds since the Unix epoch, nil for no time.
func ms(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	v := t.UnixMilli()
	return &v
}
