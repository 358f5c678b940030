package simulator

import (
	"slices"
	"time"
)

// Author is who wrote.
type Author string

// The authors of a thread.
const (
	Customer Author = "customer"
	Agent    Author = "agent"
	Bot      Author = "bot"
)

// Truth is what really happened in a conversation, for a test to compare with
// what was told of it.
type Truth struct {
	Conversation string
	Story        string // the name given to Open
	Media        string
	MessageType  string
	Episodes     []Episode
	Turns        []Turn
	Holds        []Hold
	Requeues     int // how often an action through the API put it into a queue
}

// Episode is a stretch between a customer's coming and going.
type Episode struct {
	From, Until time.Time // Until is zero while it goes on
	Outbound    bool
}

// Turn is something that a person or a bot wrote and the other side got.
type Turn struct {
	At time.Time
	By Author
}

// Hold is since when an agent has had it.
type Hold struct {
	User string
	From time.Time
}

// Wait is a stretch in which the customer was owed an answer.
type Wait struct {
	From  time.Time
	Until time.Time // zero while it goes on
	// Answered is false if the customer left instead.
	Answered bool
	Episode  int // its index
}

func (t *Truth) begin(at time.Time, outbound bool) {
	t.Episodes = append(t.Episodes, Episode{From: at, Outbound: outbound})
}

func (t *Truth) end(at time.Time) { t.Episodes[len(t.Episodes)-1].Until = at }

func (t *Truth) write(at time.Time, by Author) { t.Turns = append(t.Turns, Turn{at, by}) }

func (t *Truth) hold(user string, at time.Time) { t.Holds = append(t.Holds, Hold{user, at}) }

// Waits returns who waited from when to when: from the first message that is not
// answered to the answer, or to the customer's leaving. A bot answers nobody.
func (t Truth) Waits() []Wait {
	var all []Wait
	for i, e := range t.Episodes {
		all = append(all, t.waits(i, e)...)
	}
	return all
}

func (t Truth) waits(index int, e Episode) []Wait {
	var all []Wait
	var open *Wait
	for _, turn := range t.within(index, e) {
		switch {
		case turn.By == Customer && open == nil:
			open = &Wait{From: turn.At, Episode: index}
		case turn.By == Agent && open != nil:
			open.Until, open.Answered = turn.At, true
			all = append(all, *open)
			open = nil
		}
	}
	if open != nil {
		open.Until = e.Until
		all = append(all, *open)
	}
	return all
}

// within returns an episode's turns: those after the end of the one before, up
// to its own.
func (t Truth) within(index int, e Episode) []Turn {
	var turns []Turn
	for _, turn := range t.Turns {
		before := index > 0 && !turn.At.After(t.Episodes[index-1].Until)
		after := !e.Until.IsZero() && turn.At.After(e.Until)
		if !before && !after {
			turns = append(turns, turn)
		}
	}
	return turns
}

// Truth returns what has happened so far, conversation by conversation in the
// order in which they were opened. Those that did not begin yet have no episode.
func (o *Org) Truth() []Truth {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make([]Truth, len(o.order))
	for i, c := range o.order {
		t := c.truth
		t.Episodes, t.Turns, t.Holds = slices.Clone(t.Episodes), slices.Clone(t.Turns), slices.Clone(t.Holds)
		all[i] = t
	}
	return all
}
