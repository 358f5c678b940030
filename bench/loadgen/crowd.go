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

// Crowd is many conversations that are open all the time. They begin within an
// hour; in the hour after that Events events fall on them at random, and one that
// ends makes room for a new one. Nothing falls due. A tick stands in every
// partition every ten seconds.
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

// Generate calls emit for each record: first those that open the crowd, then the
// others. It returns the number of all events.
func (c *Crowd) Generate(emit func(Record) error) (events int, err error) {
	c.rng = rand.New(rand.NewPCG(c.Seed, 43))
	c.next, c.ids = make([]uint8, c.Open), make([]uint32, c.Open)
	g := generator{Day: Day{Partitions: c.Partitions}, emit: emit, tick: c.End.Add(-2 * time.Hour).UnixMilli()}
	hour := time.Hour.Milliseconds()
	for i := range c.Open {
		at := c.End.UnixMilli() - 2*hour + int64(i)*hour/int64(c.Open)
		if err := g.then(c.open(i, at), at); err != nil {
			return 0, err
		}
		// From here on it is as if it had been open for a while.
		c.next[i] = uint8(1 + c.rng.IntN(len(lifetime)-1))
	}
	for i := range c.Events {
		at := c.End.UnixMilli() - hour + int64(i)*hour/int64(c.Events)
		if err := g.then(c.Event(at), at); err != nil {
			return 0, err
		}
	}
	return c.Open + c.Events, g.ticks(c.End.UnixMilli())
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

func (c *Crowd) event(number uint32, topic schemas.EventTopic, at int64) *schemas.ConversationEvent {
	id := func(kind uint64) string {
		a, b := mix(uint64(number)<<8|kind), mix(^(uint64(number)<<8 | kind))
		return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
	}
	e := &schemas.ConversationEvent{
		OrgId: Orgs()[number%orgs], ConversationId: id(0), Topic: topic, EventTimeMs: at, ParticipantId: id(1),
		MediaType: "message", MessageType: "whatsapp", Direction: "inbound", DivisionId: "0f1e0000-0000-4000-8000-000000000000", EnvelopeId: id(uint64(topic) + 10),
	}
	switch topic {
	case schemas.EventTopic_EVENT_TOPIC_ACD_START, schemas.EventTopic_EVENT_TOPIC_ACD_END:
		e.SessionId, e.QueueId = id(2), "b15b0736-0000-4000-8000-6018f0c22fa7"
	case schemas.EventTopic_EVENT_TOPIC_USER_START, schemas.EventTopic_EVENT_TOPIC_USER_END:
		e.SessionId, e.QueueId, e.UserId = id(3), "b15b0736-0000-4000-8000-6018f0c22fa7", "7272d362-0000-4000-8000-dc7b7683153a"
	case schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END:
		e.SessionId = id(1)
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
