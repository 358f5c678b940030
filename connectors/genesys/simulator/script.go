package simulator

import (
	"fmt"
	"time"
)

// Opening is how a conversation begins.
type Opening struct {
	Story string // a name for how it goes
	At    time.Time
	ID    string // by default drawn
	Media string // Email, Message or Voice; by default drawn of the first two
	// MessageType is the channel, as the API spells it: whatsapp, webmessaging...;
	// by default drawn.
	MessageType string
	Queue       string // id; by default drawn
	// Outbound: an agent writes first.
	Outbound   bool
	Attributes map[string]string
}

// Script writes what happens in one conversation, step by step: Wait and Work
// let time pass, everything else happens at the time that they have reached. A
// step that makes no sense when its time comes, as an answer by nobody, does not
// happen.
type Script struct {
	c      *conversation
	at     time.Time
	number int
	queue  string
	user   string
}

var messageTypes = []string{"whatsapp", "webmessaging", "sms", "facebook", "open"}

// Open plans a conversation and returns its id. Unless it is outbound the
// customer writes at the Opening's time; play goes on from there.
func (o *Org) Open(op Opening, play func(*Script)) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.newConversation(op)
	s := &Script{c: c, at: op.At, number: c.script, queue: op.Queue}
	if s.queue == "" {
		s.queue = pick(c.rng, o.people.queues).ID
	}
	s.user = pick(c.rng, o.people.users).ID
	queue, user := s.queue, s.user
	if op.Outbound {
		s.step(func() { c.callOut(queue, user) })
	} else {
		s.step(func() { c.arrive(queue) })
	}
	if play != nil {
		play(s)
	}
	return c.id
}

func (o *Org) newConversation(op Opening) *conversation {
	number := len(o.order) + 1
	c := &conversation{
		org: o, rng: o.chance(fmt.Sprintf("conversation/%d", number)), name: op.Story, number: number,
		media: op.Media, messageType: op.MessageType, outbound: op.Outbound, attributes: op.Attributes,
	}
	c.id, c.contact = uuid(c.rng), uuid(c.rng)
	fill(&c.media, pick(c.rng, []string{Email, Message, Message}))
	if channel := pick(c.rng, messageTypes); c.media == Message {
		fill(&c.messageType, channel)
	} else {
		c.messageType = ""
	}
	if op.ID != "" {
		c.id = op.ID
	}
	c.address = fmt.Sprintf("+49000%07d", number)
	if c.media == Email {
		c.address, c.subject = fmt.Sprintf("customer%d@simulated.example", number), fmt.Sprintf("Question %d", number)
	}
	c.truth = Truth{Conversation: c.id, Story: op.Story, Media: c.media, MessageType: c.messageType}
	o.conversations[c.id] = c
	o.order = append(o.order, c)
	return c
}

// ourAddress is what the customer writes to.
func (c *conversation) ourAddress() string {
	if c.media != Email {
		return "+390000000000"
	}
	queue := c.org.people.queues[0]
	for l := range c.legs() {
		if q := c.org.people.queue(l.queue); q != nil {
			queue = q
			break
		}
	}
	return queue.Address
}

// step plans what happens at the time that the script has reached.
func (s *Script) step(do func()) {
	c, number := s.c, s.number
	c.org.plan.add(s.at, func() {
		if c.script == number {
			do()
		}
	})
}

// Now is the time that the script has reached.
func (s *Script) Now() time.Time { return s.at }

// Wait lets d pass.
func (s *Script) Wait(d time.Duration) { s.at = s.at.Add(d) }

// Until lets time pass until t.
func (s *Script) Until(t time.Time) {
	if t.After(s.at) {
		s.at = t
	}
}

// Work lets d of working time pass: who goes home leaves everything as it is.
func (s *Script) Work(d time.Duration) { s.at = s.c.org.config.worked(s.at, d) }

// Between draws a duration.
func (s *Script) Between(least, most time.Duration) time.Duration {
	return between(s.c.rng, least, most)
}

// Chance is true with probability p.
func (s *Script) Chance(p float64) bool { return s.c.rng.Float64() < p }

// Write has the customer write, and come back if the conversation is over.
func (s *Script) Write() { queue := s.queue; s.step(func() { s.c.reply(queue) }) }

// Bot has the bot write.
func (s *Script) Bot() { s.step(s.c.speak) }

// Decline lets it ring at an agent who does not take it.
func (s *Script) Decline() { user := s.user; s.step(func() { s.c.decline(user) }); s.colleague() }

// Take has the agent accept what waits.
func (s *Script) Take() { user := s.user; s.step(func() { s.c.take(user) }) }

// Answer has the agent write.
func (s *Script) Answer() { s.step(s.c.answer) }

// Fumble has the agent do what looks like an answer and is none.
func (s *Script) Fumble() { s.step(s.c.fumble) }

// Park has the agent put it aside.
func (s *Script) Park() { s.step(func() { s.c.park(time.Time{}) }) }

// Transfer has the agent give it to another queue, where somebody else may take
// it.
func (s *Script) Transfer() {
	queues := s.c.org.people.queues
	for i, q := range queues {
		if q.ID == s.queue {
			s.queue = queues[(i+1)%len(queues)].ID
			break
		}
	}
	queue := s.queue
	s.step(func() { s.c.transfer(s.c.held(), queue) })
	s.colleague()
}

// Close has the agent end it.
func (s *Script) Close() { s.step(func() { s.c.close(s.c.held()) }) }

// Leave has the customer go.
func (s *Script) Leave() { s.step(func() { s.c.leave("PEER") }) }

// Delay has EventBridge deliver the events of the conversation d later than
// usual, from now on.
func (s *Script) Delay(d time.Duration) {
	s.step(func() { s.c.delay = d; s.c.happened(Delayed, "", "") })
}

// Do is called when the time has come, with the organisation locked: it must not
// call it.
func (s *Script) Do(f func()) { s.step(f) }

// Ring is a call in a voice conversation from the queue to the voice mail.
func (s *Script) Ring() { user := s.user; s.step(func() { s.c.voicemail(user) }) }

// colleague has somebody else go on.
func (s *Script) colleague() {
	users := s.c.org.people.users
	for i, u := range users {
		if u.ID == s.user {
			s.user = users[(i+1)%len(users)].ID
			return
		}
	}
}
