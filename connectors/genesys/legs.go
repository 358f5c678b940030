package genesys

import (
	"strings"
	"time"

	"unpark/connectors/genesys/api"
	"unpark/schemas"
)

// States of a leg that unpark tells apart. A state that it does not know is as
// open as the leg's times say.
const (
	stateConnected    = "connected"
	stateAlerting     = "alerting"
	stateParked       = "parked"
	stateDisconnected = "disconnected"
	stateTerminated   = "terminated"
)

// Media as the events have them, and as paths do.
const (
	mediaEmail   = "email"
	mediaMessage = "message"

	pathEmails   = "emails"
	pathMessages = "messages"
)

// leg is one communication of one participant: an entry of its emails or
// messages.
type leg struct {
	who   *api.Participant
	comm  *api.Communication
	media string
}

// legs of a conversation, in the order of the answer.
func legs(c *api.Conversation) []leg {
	var all []leg
	for i := range c.Participants {
		p := &c.Participants[i]
		for j := range p.Emails {
			all = append(all, leg{p, &p.Emails[j], mediaEmail})
		}
		for j := range p.Messages {
			all = append(all, leg{p, &p.Messages[j], mediaMessage})
		}
	}
	return all
}

func (l leg) state() string { return strings.ToLower(l.comm.State) }

// open says whether somebody or something is still there.
func (l leg) open() bool {
	switch l.state() {
	case stateDisconnected, stateTerminated:
		return false
	}
	return l.comm.DisconnectedTime.IsZero() && l.who.EndTime.IsZero()
}

// start is when the leg began; zero if the answer does not say.
func (l leg) start() time.Time { return l.begin().Time }

func (l leg) begin() api.Instant {
	return firstOf(l.comm.StartAlertingTime, l.comm.ConnectedTime)
}

// end is when a closed leg ended; zero if the answer does not say.
func (l leg) end() time.Time { return firstOf(l.comm.DisconnectedTime, l.who.EndTime).Time }

// since is when the leg came into the state it is in.
func (l leg) since() time.Time {
	entered := l.comm.ConnectedTime
	switch l.state() {
	case stateParked:
		entered = l.comm.ParkTime
	case stateAlerting:
		entered = l.comm.StartAlertingTime
	}
	return firstOf(entered, l.comm.ConnectedTime, l.comm.StartAlertingTime, l.who.ConnectedTime, l.who.StartTime).Time
}

func firstOf(times ...api.Instant) api.Instant {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return api.Instant{}
}

// side says on whose side a participant is (SLA.md 3). A purpose that unpark does
// not know is taken for a bot's, which is no answer.
func side(p *api.Participant) schemas.Author {
	switch purpose := strings.ToLower(p.Purpose); {
	case purpose == "customer" || purpose == "external":
		return schemas.Author_AUTHOR_CUSTOMER
	case purpose == "agent", purpose == "user" && p.QueueId != "":
		return schemas.Author_AUTHOR_AGENT
	}
	return schemas.Author_AUTHOR_BOT
}

func (l leg) side() schemas.Author { return side(l.who) }

// holder returns the leg of the agent who holds the conversation: of several open
// ones the newest connected, else the newest.
func holder(all []leg) (leg, bool) {
	var best leg
	found := false
	for _, l := range all {
		if l.side() != schemas.Author_AUTHOR_AGENT || !l.open() {
			continue
		}
		connected, had := l.state() == stateConnected, found && best.state() == stateConnected
		if !found || connected && !had || connected == had && l.since().After(best.since()) {
			best, found = l, true
		}
	}
	return best, found
}

// queueOf returns the queue that the conversation is in or came from: that of the
// newest acd participant, one for each entry into a queue; without any, an
// agent's. The customer's stays at the first queue and says nothing.
func queueOf(c *api.Conversation) (id, name string) {
	var best *api.Participant
	rank := func(p *api.Participant) int {
		switch {
		case strings.EqualFold(p.Purpose, "acd"):
			return 2
		case side(p) == schemas.Author_AUTHOR_AGENT:
			return 1
		}
		return 0
	}
	for i := range c.Participants {
		p := &c.Participants[i]
		if p.QueueId == "" || rank(p) == 0 {
			continue
		}
		if best == nil || rank(p) > rank(best) || rank(p) == rank(best) && !entered(p).Before(entered(best)) {
			best = p
		}
	}
	if best == nil {
		return "", ""
	}
	return best.QueueId, best.QueueName
}

func entered(p *api.Participant) time.Time { return firstOf(p.StartTime, p.ConnectedTime).Time }

// startedAt is the start of the customer's current session: that of the newest
// open customer leg, else of the newest.
func startedAt(all []leg) time.Time {
	var best leg
	found := false
	for _, l := range all {
		if l.side() != schemas.Author_AUTHOR_CUSTOMER || l.start().IsZero() {
			continue
		}
		if !found || l.open() && !best.open() || l.open() == best.open() && l.start().After(best.start()) {
			best, found = l, true
		}
	}
	if !found {
		return time.Time{}
	}
	return best.start()
}

// endedAt is when the conversation was over, zero if it is not: once it has an
// end, or once its customer was there and nobody is any more. It is the end of the
// last leg, for Genesys's own end may wait for a wrap-up.
func endedAt(c *api.Conversation, all []leg) time.Time {
	var last time.Time
	customer := false
	for _, l := range all {
		if l.open() && c.EndTime.IsZero() {
			return time.Time{}
		}
		customer = customer || l.side() == schemas.Author_AUTHOR_CUSTOMER
		if end := l.end(); end.After(last) {
			last = end
		}
	}
	if c.EndTime.IsZero() && (!customer || waits(c)) {
		return time.Time{}
	}
	if last.IsZero() || !c.EndTime.IsZero() && last.After(c.EndTime.Time) {
		return c.EndTime.Time
	}
	return last
}

// waits says whether a participant without a leg, such as one in a queue, is
// still there.
func waits(c *api.Conversation) bool {
	for i := range c.Participants {
		p := &c.Participants[i]
		if len(p.Emails)+len(p.Messages) == 0 && p.EndTime.IsZero() && side(p) != schemas.Author_AUTHOR_AGENT {
			return true
		}
	}
	return false
}
