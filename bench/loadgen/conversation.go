package loadgen

import (
	"math/rand/v2"
	"time"

	"unpark/schemas"
)

// conversation is one that is open.
type conversation struct {
	org, id, customer, queue, agent, division string
	legs                                      [4]string // sessions of queue and agent, in turn
	email, outbound                           bool

	events, step int
	stall        int   // the event before which nothing happens for hours; 0: none
	at           int64 // when the next event arrives
	happened     int64 // when it happened
	late         bool  // the end happened long before it arrives
}

// legs of a conversation between its customer's start and end: what happens to
// which session.
var legEvents = []struct {
	topic schemas.EventTopic
	leg   int // of legs; -1: none
}{
	{schemas.EventTopic_EVENT_TOPIC_ACD_START, 0},
	{schemas.EventTopic_EVENT_TOPIC_ACD_END, 0},
	{schemas.EventTopic_EVENT_TOPIC_USER_START, 1},
	{schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES, -1},
	{schemas.EventTopic_EVENT_TOPIC_USER_END, 1},
	{schemas.EventTopic_EVENT_TOPIC_ACD_START, 2},
	{schemas.EventTopic_EVENT_TOPIC_ACD_END, 2},
	{schemas.EventTopic_EVENT_TOPIC_USER_START, 3},
}

// conversation begins one.
func (g *generator) conversation(at int64) *conversation {
	c := &conversation{
		org: g.orgs[g.rng.IntN(orgs)], id: g.uuid(), customer: g.uuid(), queue: g.queues[g.rng.IntN(queues)], agent: g.agents[g.rng.IntN(agents)],
		division: g.division, email: g.rng.IntN(3) == 0, outbound: g.rng.IntN(20) == 0, events: 6 + g.rng.IntN(5), at: at, happened: at,
	}
	for i := range c.legs {
		c.legs[i] = g.uuid()
	}
	if g.rng.IntN(20) == 0 {
		c.stall = 1 + g.rng.IntN(c.events-1)
		c.late = c.stall == c.events-1 && g.rng.IntN(2) == 0
	}
	g.begun++
	g.planned += c.events
	return c
}

// next sets when the next event happens and arrives.
func (c *conversation) next(rng *rand.Rand) {
	gap := time.Minute + time.Duration(rng.IntN(38*60_000))*time.Millisecond
	if c.step == c.stall {
		gap = 3*time.Hour + 30*time.Minute + time.Duration(rng.IntN(90*60_000))*time.Millisecond
	}
	c.happened = c.at + gap.Milliseconds()
	if c.step == c.stall && c.late {
		c.happened = c.at + time.Minute.Milliseconds()
	}
	c.at += gap.Milliseconds()
}

// event is the conversation's next event.
func (g *generator) event(c *conversation) *schemas.ConversationEvent {
	e := &schemas.ConversationEvent{
		OrgId: c.org, ConversationId: c.id, EventTimeMs: c.happened, ParticipantId: c.customer,
		MediaType: "message", MessageType: "whatsapp", Direction: "inbound", DivisionId: c.division, EnvelopeId: g.uuid(),
	}
	if c.email {
		e.MediaType, e.MessageType = "email", ""
	}
	if c.outbound {
		e.Direction = "outbound"
	}
	switch c.step {
	case 0:
		e.Topic, e.SessionId = schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, c.customer
		return e
	case c.events - 1:
		e.Topic, e.SessionId = schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END, c.customer
		return e
	}
	do := legEvents[c.step-1]
	e.Topic = do.topic
	if do.leg < 0 {
		e.CommunicationMedia, e.MediaType, e.MessageType = []string{e.MediaType}, "", ""
		return e
	}
	e.SessionId, e.QueueId = c.legs[do.leg], c.queue
	if do.leg%2 == 1 {
		e.UserId = c.agent
	}
	return e
}

// conversations is a container/heap in order of the next arrival.
type conversations []*conversation

func (h conversations) Len() int           { return len(h) }
func (h conversations) Less(i, j int) bool { return h[i].at < h[j].at }
func (h conversations) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *conversations) Push(c any)        { *h = append(*h, c.(*conversation)) }

func (h *conversations) Pop() any {
	old := *h
	c := old[len(old)-1]
	*h = old[:len(old)-1]
	return c
}
