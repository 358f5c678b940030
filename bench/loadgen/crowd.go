package loadgen

import (
	"container/heap"
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

// parked is the event that ends the time for which an agent holds a conversation,
// which is most of its life; the ones before and behind it come in bursts.
const parked = 6

// Crowd is many conversations that are open all the time. They began within an hour,
// and an agent holds them (State); in the hour after that Events events fall on them:
// one of those that are held ends, a new one takes its place, waits in a queue for up
// to ten minutes and is held in turn. Nothing falls due. A tick stands in every
// partition every ten seconds.
type Crowd struct {
	Open, Events int
	Partitions   int32
	Seed         uint64
	// End is the append time of the last tick.
	End time.Time
	// Scattered has each event fall on any of the conversations, as if all of them
	// were busy all the time: nothing that was read before is of use.
	Scattered bool

	rng  *rand.Rand
	next []uint8  // the next event of the conversation in each slot
	ids  []uint32 // its number
	used uint32
	busy turns // what comes next to those that are not held
	held int   // how many are
}

// turn is when the next event falls on the conversation in a slot.
type turn struct {
	at   int64 // epoch milliseconds
	slot int
}

// turns is a container/heap in order of time.
type turns []turn

func (h turns) Len() int           { return len(h) }
func (h turns) Less(i, j int) bool { return h[i].at < h[j].at }
func (h turns) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *turns) Push(t any)        { *h = append(*h, t.(turn)) }

func (h *turns) Pop() any {
	old := *h
	t := old[len(old)-1]
	*h = old[:len(old)-1]
	return t
}

// Begin opens the conversations. It comes before everything else.
func (c *Crowd) Begin() {
	c.rng = rand.New(rand.NewPCG(c.Seed, 43))
	c.next, c.ids, c.held = make([]uint8, c.Open), make([]uint32, c.Open), c.Open
	for slot := range c.Open {
		c.used++
		c.ids[slot], c.next[slot] = c.used, parked
		if c.Scattered { // as if it had been open for a while
			c.next[slot] = uint8(1 + c.rng.IntN(len(lifetime)-1))
		}
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

// Event is what happens next, at an instant in epoch milliseconds.
func (c *Crowd) Event(at int64) *schemas.ConversationEvent {
	slot := c.turn(at)
	if int(c.next[slot]) == len(lifetime) { // it has ended: a new one
		c.used++
		c.ids[slot], c.next[slot] = c.used, 0
	}
	e := c.event(c.ids[slot], lifetime[c.next[slot]], at)
	c.next[slot]++
	switch {
	case c.Scattered:
	case c.next[slot] == parked:
		c.held++
	default:
		heap.Push(&c.busy, turn{at: at + c.gap(slot).Milliseconds(), slot: slot})
	}
	return e
}

// turn is the slot of the conversation that an event falls on. Should none be held, the
// next of the others is early.
func (c *Crowd) turn(at int64) (slot int) {
	if c.Scattered {
		return c.rng.IntN(c.Open)
	}
	if c.held == 0 || len(c.busy) > 0 && c.busy[0].at <= at {
		return heap.Pop(&c.busy).(turn).slot
	}
	for slot = c.rng.IntN(c.Open); c.next[slot] != parked; {
		slot = c.rng.IntN(c.Open)
	}
	c.held--
	return slot
}

// gap is the time until the next event falls on a conversation that is not held.
func (c *Crowd) gap(slot int) time.Duration {
	if c.next[slot] == 2 { // it waits for an agent
		return time.Second + time.Duration(c.rng.Int64N(int64(10*time.Minute)))
	}
	return time.Duration(c.rng.Int64N(int64(2 * time.Second)))
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
