package loadgen

import (
	"time"

	"unpark/schemas"
)

// firstLook is when the processor looks at a held conversation of the comparison's
// policy: at its warning, and the default grace.
const firstLook = 3*time.Hour + 30*time.Minute + 10*time.Second

// Past is what has happened to the conversation in a slot, in order, all at once: it
// was put in a queue, and an agent took it.
func (c *Crowd) Past(slot int) (events []*schemas.ConversationEvent) {
	for _, topic := range lifetime[:4] {
		events = append(events, c.event(c.ids[slot], topic, c.begun(slot)))
	}
	return events
}

// State is the conversation in a slot as the processor keeps it: what Past leads
// to.
func (c *Crowd) State(slot int) (org, id string, st *schemas.ConversationState) {
	number, at := c.ids[slot], c.begun(slot)
	session := func(kind uint64, as schemas.SessionKind) *schemas.Session {
		return &schemas.Session{Id: ident(number, kind), Kind: as, StartedAtMs: &at}
	}
	customer := session(customerID, schemas.SessionKind_SESSION_KIND_CUSTOMER)
	queue := session(queueID, schemas.SessionKind_SESSION_KIND_ACD)
	agent := session(agentID, schemas.SessionKind_SESSION_KIND_USER)
	queue.EndedAtMs, queue.QueueId = &at, theQueue
	agent.QueueId, agent.UserId = theQueue, theAgent
	fact := func(v string) *schemas.Fact { return &schemas.Fact{Value: v, AtMs: at, SessionId: queue.Id} }
	look := at + firstLook.Milliseconds()
	return Orgs()[number%orgs], ident(number, ownID), &schemas.ConversationState{
		Version: schemas.StateVersion, DeadlineMs: &look,
		Episode: &schemas.Episode{
			Opened: true, FirstStart: fact("inbound"), Queue: fact(theQueue), Division: fact(theDivision),
			Media: fact("message"), MessageType: fact("whatsapp"), Sessions: []*schemas.Session{customer, queue, agent},
		},
	}
}
