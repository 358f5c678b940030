package simulator

import (
	"math/rand/v2"
	"time"
)

// Media of a conversation, in the spelling of the API.
const (
	Email   = "email"
	Message = "message"
	Voice   = "voice"
)

// conversation is all that Genesys knows of one.
type conversation struct {
	org  *Org
	rng  *rand.Rand
	name string // how the story goes
	id   string

	media, messageType string
	outbound           bool // the direction of its beginning
	subject            string
	contact            string // external contact
	address            string // of the customer
	number             int

	started      time.Time
	participants []*participant
	messages     []*message
	transfers    []*transfer
	attributes   map[string]string
	// script counts the changes of plan: what was planned before an action through
	// the API no longer happens.
	script int
	delay  time.Duration // of its events on their way
	truth  Truth
}

// participant is somebody or something that takes part.
type participant struct {
	id, purpose, name, user, queue string
	legs                           []*leg
}

// leg is a session of a participant; the API calls it a communication.
type leg struct {
	id          string
	participant *participant
	queue       string
	outbound    bool

	started, connected, parked, resumes, ended time.Time
	state                                      string // alerting, connected, parked, disconnected, terminated
	disconnect                                 string // in the events' spelling
	silent                                     bool   // its end has been told
	segments                                   []*segment
	flow                                       string
	wrapUp                                     *wrapUp
}

func (l *leg) open() bool { return l.ended.IsZero() }

// segment is a stretch of a leg, in the spelling of the analytics.
type segment struct {
	kind        string
	from, until time.Time
}

// turn begins the next segment of l.
func (l *leg) turn(kind string, at time.Time) {
	if n := len(l.segments); n > 0 && l.segments[n-1].until.IsZero() {
		l.segments[n-1].until = at
	}
	if kind != "" {
		l.segments = append(l.segments, &segment{kind: kind, from: at})
	}
}

// wrapUp is what an agent notes after the work.
type wrapUp struct {
	code        string
	from, until time.Time
}

// message is an entry of the thread.
type message struct {
	id     string
	at     time.Time
	leg    *leg
	status string // as the API spells it: received, sent, delivery-success, failed, ...
	kind   string // messageMetadata.type: Text, Event, Receipt
	from   string // of an e-mail: the address
	auto   bool   // written by a machine: an acknowledgement
	draft  bool
}

// transfer is an entry of recentTransfers.
type transfer struct {
	id, state, kind, user, queue string
	at                           time.Time
}

// wrapUpCodes are what there is to note.
var wrapUpCodes = []named{{"7fb334b0-0e9e-11e4-9191-0800200c9a66", "Default Wrap-up Code"}, {"1c3a24bd-07f0-4d9c-8fd4-1c31e4a10101", "Resolved"}}

func (c *conversation) customer() *leg { return c.newest("customer") }
func (c *conversation) agent() *leg    { return c.newest("agent") }
func (c *conversation) waiting() *leg  { return c.newest("acd") }

// newest returns the open leg of a purpose that started last; nil if none is
// open.
func (c *conversation) newest(purpose string) *leg {
	var found *leg
	for l := range c.legs() {
		if l.open() && l.participant.purpose == purpose && (found == nil || !l.started.Before(found.started)) {
			found = l
		}
	}
	return found
}

func (c *conversation) legs() func(yield func(*leg) bool) {
	return func(yield func(*leg) bool) {
		for _, p := range c.participants {
			for _, l := range p.legs {
				if !yield(l) {
					return
				}
			}
		}
	}
}

// ended is when the last leg closed, with the wrap-up if that is asked for; zero
// while one is open.
func (c *conversation) ended(wrapUps bool, now time.Time) time.Time {
	var end time.Time
	for l := range c.legs() {
		if l.open() {
			return time.Time{}
		}
		last := l.ended
		if wrapUps && l.wrapUp != nil {
			if last = l.wrapUp.until; last.After(now) {
				return time.Time{}
			}
		}
		if last.After(end) {
			end = last
		}
	}
	return end
}

// join adds a participant with a leg.
func (c *conversation) join(purpose, user, queue string, state string) *leg {
	p := &participant{id: uuid(c.rng), purpose: purpose, user: user, queue: queue}
	switch {
	case purpose == "acd":
		p.name = c.org.people.queue(queue).Name
	case user != "":
		p.name = c.org.people.user(user).Name
	}
	c.participants = append(c.participants, p)
	return c.begin(p, queue, state)
}

// begin adds a leg to a participant.
func (c *conversation) begin(p *participant, queue, state string) *leg {
	l := &leg{id: uuid(c.rng), participant: p, queue: queue, started: c.org.now, state: state, outbound: c.outbound}
	if state == "connected" {
		l.connected = c.org.now
	}
	l.turn(map[string]string{"alerting": "alert"}[state], c.org.now)
	if state != "alerting" {
		l.segments = append(l.segments, &segment{kind: "interact", from: c.org.now})
	}
	p.legs = append(p.legs, l)
	return l
}

// end closes a leg.
func (c *conversation) end(l *leg, disconnect string) {
	if !l.open() {
		return
	}
	l.turn("", c.org.now)
	l.ended, l.state, l.disconnect = c.org.now, "disconnected", disconnect
	c.tellEnd(l)
}

// after plans what follows from what just happened, whatever else changes.
func (c *conversation) after(d time.Duration, do func()) { c.org.plan.add(c.org.now.Add(d), do) }
