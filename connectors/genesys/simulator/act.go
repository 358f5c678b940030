package simulator

import "time"

// What people and machines do. Each is called at its time and changes nothing if
// it no longer makes sense: nobody answers what was taken away.

// arrive has the customer write in a conversation that nobody is in.
func (c *conversation) arrive(queue string) {
	sent := c.org.now
	c.after(40*time.Millisecond, func() {
		l := c.customerLeg()
		if c.started.IsZero() {
			c.started = l.started
		}
		c.truth.begin(l.started, c.outbound)
		c.write(l, Customer, sent)
		c.happened(Arrives, "", queue)
		c.tellStart(l)
		c.after(between(c.rng, 20*time.Millisecond, 200*time.Millisecond), func() {
			c.tell("contact", l, map[string]any{"externalContactId": c.contact, "divisionId": c.org.people.division.ID})
			if c.attributes != nil {
				c.tellAttributes(l)
			}
		})
		c.after(between(c.rng, 10*time.Millisecond, 50*time.Millisecond), func() { c.flow(queue) })
	})
}

func (c *conversation) customerLeg() *leg {
	c.outbound = false
	if c.org.config.Unknowns.ReopenKeepsParticipant {
		for _, p := range c.participants {
			if p.purpose == "customer" {
				return c.begin(p, "", "connected")
			}
		}
	}
	l := c.join("customer", "", "", "connected")
	l.participant.name = "Customer"
	return l
}

// flow is the Architect flow that puts a conversation into its queue.
func (c *conversation) flow(queue string) {
	if c.customer() == nil {
		return
	}
	l := c.join("workflow", "", "", "connected")
	l.participant.name, l.flow = "Inbound flow", "f10e0000-0000-4000-8000-000000000001"
	c.tellStart(l)
	c.after(between(c.rng, 200*time.Millisecond, 900*time.Millisecond), func() {
		if c.media == Voice {
			c.outcome(l)
		}
		c.end(l, "TRANSFER")
		c.after(30*time.Millisecond, func() { c.enqueue(queue) })
	})
}

// enqueue has the conversation wait in a queue.
func (c *conversation) enqueue(queue string) {
	if c.customer() == nil || c.waiting() != nil {
		return
	}
	if l := c.customer(); l.queue == "" {
		l.queue = queue // and stays there
	}
	c.tellStart(c.join("acd", "", queue, "connected"))
}

// alert offers the conversation to an agent.
func (c *conversation) alert(user string) *leg {
	acd := c.waiting()
	if acd == nil || c.agent() != nil {
		return nil
	}
	var l *leg
	for _, p := range c.participants {
		if p.user == user {
			l = c.begin(p, acd.queue, "alerting")
		}
	}
	if l == nil {
		l = c.join("agent", user, acd.queue, "alerting")
	}
	c.tellStart(l)
	return l
}

// take has an agent accept after some seconds; the wait in the queue ends just
// after the work has begun.
func (c *conversation) take(user string) {
	l := c.alert(user)
	if l == nil {
		return
	}
	c.after(between(c.rng, time.Second, 8*time.Second), func() {
		if !l.open() {
			return
		}
		c.connect(l)
		c.after(between(c.rng, 3*time.Millisecond, 21*time.Millisecond), func() {
			if acd := c.waiting(); acd != nil {
				c.end(acd, "TRANSFER")
			}
		})
	})
}

func (c *conversation) connect(l *leg) {
	if l.connected.IsZero() {
		l.connected = c.org.now
	}
	l.state, l.resumes = "connected", time.Time{}
	l.turn("interact", c.org.now)
	c.truth.hold(l.participant.user, c.org.now)
	c.happened(Takes, l.participant.user, l.queue)
}

// decline lets an alert ring until it is given up; the queue goes on.
func (c *conversation) decline(user string) {
	if l := c.alert(user); l != nil {
		c.after(between(c.rng, 8*time.Second, 30*time.Second), func() { c.end(l, c.org.config.Unknowns.NoAnswer) })
	}
}

// speak has the bot of the flow write.
func (c *conversation) speak() {
	l := c.customer()
	if l == nil {
		return
	}
	bot := c.newest("workflow")
	if bot == nil {
		bot = c.join("workflow", "", "", "connected")
		bot.participant.name, bot.flow = "Bot flow", "f10e0000-0000-4000-8000-000000000002"
		c.tellStart(bot)
		c.after(time.Second, func() { c.end(bot, "TRANSFER") })
	}
	c.write(bot, Bot, c.org.now)
}

// answer has the agent write.
func (c *conversation) answer() {
	l := c.held()
	if l == nil {
		return
	}
	if l.state == "parked" {
		l = c.resume(l)
	}
	c.write(l, Agent, c.org.now)
	c.happened(Answers, l.participant.user, l.queue)
	switch {
	case c.media != Email:
	case !c.org.config.MultiAction:
		c.after(150*time.Millisecond, func() { c.close(l) })
	default:
		next := c.begin(l.participant, l.queue, "connected")
		c.tellStart(next)
		c.after(175*time.Millisecond, func() { c.end(l, "CLIENT") })
	}
}

// held is the leg of the agent who has accepted; nil if nobody has.
func (c *conversation) held() *leg {
	if l := c.agent(); l != nil && l.state != "alerting" {
		return l
	}
	return nil
}

// park has the agent put it aside, until it comes back by itself if that is
// wanted.
func (c *conversation) park(resumes time.Time) {
	l := c.held()
	if l == nil || l.state == "parked" {
		return
	}
	l.state, l.parked, l.resumes = "parked", c.org.now, resumes
	c.happened(Parks, l.participant.user, l.queue)
	l.turn("parked", c.org.now)
	if c.org.config.Unknowns.ParkingEndsSession {
		l.disconnect = "CLIENT"
		c.tellEnd(l)
		l.disconnect, l.silent = "", true
	}
}

// resume has the agent take up what is parked.
func (c *conversation) resume(l *leg) *leg {
	if c.org.config.Unknowns.ParkingEndsSession {
		next := c.begin(l.participant, l.queue, "connected")
		next.parked = l.parked
		c.end(l, "CLIENT")
		c.tellStart(next)
		return next
	}
	l.state, l.resumes = "connected", time.Time{}
	l.turn("interact", c.org.now)
	return l
}

// reply has the customer write again, into the conversation that is there or, if
// it is over, into the same one anew.
func (c *conversation) reply(queue string) {
	l := c.customer()
	if l == nil {
		c.arrive(queue)
		return
	}
	if c.media == Email && c.org.config.Unknowns.MailStartsSession {
		l = c.begin(l.participant, "", "connected")
		c.tellStart(l)
	}
	c.write(l, Customer, c.org.now)
	c.happened(Writes, "", l.queue)
}

// close has the agent hang up, which ends it for the customer too.
func (c *conversation) close(l *leg) {
	if l == nil || !l.open() {
		return
	}
	c.end(l, "CLIENT")
	c.note(l)
	c.after(15*time.Millisecond, func() { c.leave("PEER") })
}

// leave has the customer go, and with the customer everybody else.
func (c *conversation) leave(disconnect string) {
	if c.customer() == nil {
		return
	}
	for l := range c.legs() {
		if l.open() && l.participant.purpose == "customer" {
			c.end(l, disconnect)
		}
	}
	c.truth.end(c.org.now)
	c.happened(Leaves, "", "")
	c.after(15*time.Millisecond, func() {
		for l := range c.legs() {
			if l.open() && l.participant.purpose != "customer" {
				c.end(l, "PEER")
				c.note(l)
			}
		}
	})
}

// note has an agent wrap up, for some minutes.
func (c *conversation) note(l *leg) {
	if l.participant.purpose != "agent" || l.connected.IsZero() {
		return
	}
	w := &wrapUp{code: pick(c.rng, wrapUpCodes).ID, from: c.org.now}
	w.until = c.org.now.Add(between(c.rng, time.Second, 5*time.Minute))
	l.wrapUp = w
	c.org.plan.add(w.until, func() {
		more := c.routed(l)
		delete(more, "divisionId")
		more["wrapupCode"], more["wrapupNotes"], more["wrapupDurationMs"] = w.code, "done", w.until.Sub(w.from).Milliseconds()
		c.tell("acw", l, more)
	})
}

// transfer has whoever holds it give it to a queue; the customer stays.
func (c *conversation) transfer(l *leg, queue string) {
	if l == nil || !l.open() {
		return
	}
	t := &transfer{id: uuid(c.rng), state: "Pending", kind: "Unattended", user: l.participant.user, queue: queue, at: c.org.now}
	c.transfers = append(c.transfers, t)
	c.happened(Transfers, l.participant.user, queue)
	c.end(l, "TRANSFER")
	c.note(l)
	c.after(between(c.rng, 28*time.Millisecond, 67*time.Millisecond), func() {
		if acd := c.waiting(); acd != nil {
			c.end(acd, "TRANSFER")
		}
		c.enqueue(queue)
		t.state = "Complete"
	})
}

// write adds to the thread what the other side gets to read.
func (c *conversation) write(l *leg, by Author, at time.Time) *message {
	m := c.enter(l, at)
	m.auto = c.media == Email && by == Bot
	c.truth.write(at, by)
	return m
}

// enter adds an entry to the thread.
func (c *conversation) enter(l *leg, at time.Time) *message {
	m := &message{id: uuid(c.rng), at: at, leg: l, status: "received", kind: "Text", from: c.address}
	if l.participant.purpose != "customer" {
		m.status, m.from = "delivery-success", c.ourAddress()
	}
	c.messages = append(c.messages, m)
	return m
}

// fumble adds what looks like an answer and is none: a message that did not get
// through, a receipt of one that did, or the draft of a mail.
func (c *conversation) fumble() {
	l := c.held()
	if l == nil {
		return
	}
	m := c.enter(l, c.org.now)
	switch {
	case c.media == Email:
		m.draft = true
	case c.rng.IntN(2) == 0:
		m.status = "delivery-failed"
	default:
		m.kind = pick(c.rng, []string{"Receipt", "Event"})
	}
}
