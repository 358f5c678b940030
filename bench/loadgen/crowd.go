package loadgen

import (
	"fmt"
	"math/rand/v2"
	"time"

	"unpark/schemas"
)

// lifetime is what happens to a conversation of a Crowd.
var lifetime = []schemas.EventTopic{
	schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_ACD_START, schemas.EventTopic_EVENT_TOPIC_USER_START,
	schemas.EventTopic_EVENT_TOPIC_ACD_END, schemas.EventTopic_EVENT_TOPIC_CONTACT, schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES,
	schemas.EventTopic_EVENT_TOPIC_USER_END, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END,
}

// Crowd is many conversations that are open all the time. They began within an hour,
// and an agent holds them (State); in the hour after that Events events fall on them
// at random, and one that ends makes room for a new one. Nothing falls due. A tick
// stands in every partition every ten seconds.
type Crowd struct {
	Open, Events int
	Partitions   int32
	Seed         uint64
	// End is the append time of the last tick.
	End time.Time

	rng  *rand.Rand
	next []uint8  // the next event of the conversation in each slot
	ids  []uint32 // its number
	used uint32
}

// Begin opens the conversations. It comes before everything else.
func (c *Crowd) Begin() {
	c.rng = rand.New(rand.NewPCG(c.Seed, 43))
	c.next, c.ids = make([]uint8, c.Open), make([]uint32, c.Open)
	for slot := range c.Open {
		c.used++
		// It is as if it had been open for a while.
		c.ids[slot], c.next[slot] = c.used, uint8(1+c.rng.IntN(len(lifetime)-1))
	}
}

// begun is when the conversation in a slot began.
func (c *Crowd) begun(slot int) int64 {
	hour := time.Hour.Milliseconds()
	return c.End.UnixMilli() - 2*hour + int64(slot)*hour/int64(c.Open)
}

// Generate calls emit for each record of the hour in which events fall on the crowd,
// and returns the number of events.
func (c *Crowd) Generate(emit func(Record) error) (events int, err error) {
	hour := time.Hour.Milliseconds()
	g := generator{Day: Day{Partitions: c.Partitions}, emit: emit, tick: c.End.UnixMilli() - hour}
	for i := range c.Events {
		at := c.End.UnixMilli() - hour + int64(i)*hour/int64(c.Events)
		if err := g.then(c.Event(at), at); err != nil {
			return 0, err
		}
	}
	return c.Events, g.ticks(c.End.UnixMilli())
}

// then emits an event and the ticks before it.
func (g *generator) then(e *schemas.ConversationEvent, at int64) error {
	if err := g.ticks(at); err != nil {
		return err
	}
	value, err := Encode(e)
	if err != nil {
		return err
	}
	return g.emit(Record{Key: []byte(e.ConversationId), Value: value, AppendTime: at})
}

// Event is what happens next, at an instant in epoch milliseconds: to any of the
// open conversations.
func (c *Crowd) Event(at int64) *schemas.ConversationEvent {
	slot := c.rng.IntN(c.Open)
	if int(c.next[slot]) == len(lifetime) {
		return c.open(slot, at)
	}
	e := c.event(c.ids[slot], lifetime[c.next[slot]], at)
	c.next[slot]++
	return e
}

// open begins a conversation in the slot.
func (c *Crowd) open(slot int, at int64) *schemas.ConversationEvent {
	c.used++
	c.ids[slot], c.next[slot] = c.used, 1
	return c.event(c.used, lifetime[0], at)
}

// Stranger is the first event of a conversation that is not of the crowd.
func (c *Crowd) Stranger(at int64) *schemas.ConversationEvent {
	c.used++
	return c.event(c.used, lifetime[0], at)
}

// Ids of a conversation: its own, its customer's session, those of its queue and its
// agent.
const (
	ownID = iota
	customerID
	queueID
	agentID
)

const (
	theQueue    = "b15b0736-0000-4000-8000-6018f0c22fa7"
	theAgent    = "7272d362-0000-4000-8000-dc7b7683153a"
	theDivision = "0f1e0000-0000-4000-8000-000000000000"
)

// ident is an id of the conversation with that number.
func ident(number uint32, kind uint64) string {
	a, b := mix(uint64(number)<<8|kind), mix(^(uint64(number)<<8 | kind))
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

func (c *Crowd) event(number uint32, topic schemas.EventTopic, at int64) *schemas.ConversationEvent {
	id := func(kind uint64) string { return ident(number, kind) }
	e := &schemas.ConversationEvent{
		OrgId: Orgs()[number%orgs], ConversationId: id(ownID), Topic: topic, EventTimeMs: at, ParticipantId: id(customerID),
		MediaType: "message", MessageType: "whatsapp", Direction: "inbound", DivisionId: theDivision, EnvelopeId: id(uint64(topic) + 10),
	}
	switch topic {
	case schemas.EventTopic_EVENT_TOPIC_ACD_START, schemas.EventTopic_EVENT_TOPIC_ACD_END:
		e.SessionId, e.QueueId = id(queueID), theQueue
	case schemas.EventTopic_EVENT_TOPIC_USER_START, schemas.EventTopic_EVENT_TOPIC_USER_END:
		e.SessionId, e.QueueId, e.UserId = id(agentID), theQueue, theAgent
	case schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END:
		e.SessionId = id(customerID)
	}
	return e
}

// mix is splitmix64: numbers in a row become ids that lie anywhere.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
