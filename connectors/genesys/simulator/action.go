package simulator

import "time"

// callOut has an agent begin a conversation.
func (c *conversation) callOut(queue, user string) {
	c.started, c.outbound = c.org.now, true
	l := c.join("agent", user, queue, "connected")
	l.outbound = true
	customer := c.join("customer", "", "", "connected")
	customer.participant.name, customer.outbound = "Customer", true
	c.truth.begin(c.org.now, true)
	c.truth.hold(user, c.org.now)
	c.tell("outbound", customer, map[string]any{
		"outboundCampaignId": "ca3e0000-0000-4000-8000-000000000001", "outboundContactListId": "ca3e0000-0000-4000-8000-000000000002",
		"outboundContactId": c.contact, "divisionId": c.org.people.division.ID,
	})
	c.tellStart(l)
	c.tellStart(customer)
	c.write(l, Agent, c.org.now)
}

// requeue is what an action through the API does: nothing of what was planned
// happens any more; somebody finds it in the queue and answers.
func (c *conversation) requeue(l *leg, queue string) {
	c.truth.Requeues++
	c.script++
	c.transfer(l, queue)
	s := &Script{c: c, at: c.org.now.Add(time.Second), number: c.script, queue: queue, user: l.participant.user}
	if s.user == "" {
		s.user = c.org.people.users[0].ID
	}
	s.colleague()
	s.Work(c.org.config.Rescue)
	s.Take()
	s.Work(time.Minute)
	s.Answer()
	s.Work(time.Minute)
	s.Close()
}

// tearDown ends it for everybody.
func (c *conversation) tearDown() {
	c.script++
	for l := range c.legs() {
		if l.open() && l.participant.purpose == "agent" {
			c.end(l, "SYSTEM")
			c.note(l)
		}
	}
	c.leave("SYSTEM")
}
