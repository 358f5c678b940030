package sla

import (
	"slices"

	"unpark/schemas"
)

const (
	maxTurns = 256
	// early is how long before the episode's start a message may lie and still
	// belong to it.
	early = 15 * 60 * 1000
	// never is the end of a stretch that goes on.
	never = int64(1)<<62 - 1
)

// compact returns the observation with its messages in time order and at most
// the newest 256 turns: of neighbouring messages of one author the first, and the
// first that counts in the episode. While it is not known which count (nil), each
// message is a turn. Whose it is stands in the state's key.
func compact(o *schemas.ThreadObserved, counts func(*schemas.ThreadMessage) bool) *schemas.ThreadObserved {
	c := o.CloneVT()
	c.OrgId, c.ConversationId = "", ""
	slices.SortStableFunc(c.Messages, func(a, b *schemas.ThreadMessage) int { return int(a.AtMs - b.AtMs) })
	if len(c.Messages) <= maxTurns {
		return c
	}
	if counts != nil {
		c.Messages = slices.CompactFunc(c.Messages, func(a, b *schemas.ThreadMessage) bool { return a.By == b.By && counts(a) == counts(b) })
	}
	if extra := len(c.Messages) - maxTurns; extra > 0 {
		c.Messages, c.Truncated = slices.Delete(c.Messages, 0, extra), true
	}
	return c
}

// message is a turn of the thread as a policy sees it.
type message struct {
	at    int64
	agent bool
}

// thread is who wrote when in an episode, under one policy.
type thread struct {
	messages  []message
	startedAt int64
	inbound   bool
	truncated bool
}

// stretch is the half-open time [from, to).
type stretch struct{ from, to int64 }

// readThread picks the messages of the newest observation that count
// (SLA.md section 3).
func readThread(st *schemas.ConversationState, botsReply bool) thread {
	ep := st.Episode
	t := thread{startedAt: startedAt(ep), inbound: direction(ep) == inbound}
	o := observation(ep)
	if o == nil {
		return t
	}
	t.truncated = o.Truncated
	for _, m := range o.Messages {
		bot := m.By == schemas.Author_AUTHOR_BOT
		if !belongs(m, t.startedAt, st.ClosedAtMs) || bot && !botsReply {
			continue
		}
		t.messages = append(t.messages, message{at: m.AtMs, agent: bot || m.By == schemas.Author_AUTHOR_AGENT})
	}
	return t
}

// belongs reports whether a message is of the episode that started at startedAt,
// after the one that was closed at closedAt.
func belongs(m *schemas.ThreadMessage, startedAt int64, closedAt *int64) bool {
	return m.AtMs >= startedAt-early && (closedAt == nil || m.AtMs > *closedAt)
}

// waits returns the stretches in which the customer is owed an answer, in order;
// the last may have no end.
func (t thread) waits() []stretch {
	var waits []stretch
	from, waiting := int64(0), false
	switch {
	case len(t.messages) == 0:
		from, waiting = t.startedAt, t.inbound
	case t.truncated || t.inbound && t.messages[0].at > t.startedAt:
		from, waiting = t.startedAt, true
	}
	for _, m := range t.messages {
		switch {
		case m.agent && waiting:
			if m.at > from {
				waits = append(waits, stretch{from, m.at})
			}
			waiting = false
		case !m.agent && !waiting:
			from, waiting = m.at, true
		}
	}
	if waiting {
		waits = append(waits, stretch{from, never})
	}
	return waits
}

// wait returns the start of the wait that goes on: the first customer message
// after the last of an agent. Without messages an inbound episode waits since
// its start.
func (t thread) wait() (since int64, waiting bool) {
	if len(t.messages) == 0 {
		return t.startedAt, t.inbound
	}
	for _, v := range slices.Backward(t.messages) {
		if v.agent {
			break
		}
		since, waiting = v.at, true
	}
	return since, waiting
}

// answer returns the first agent message after start.
func (t thread) answer(start int64) (at int64, ok bool) {
	asked := false // a customer message of the same millisecond, listed before
	for _, m := range t.messages {
		switch {
		case m.agent && (m.at > start || m.at == start && asked):
			return m.at, true
		case !m.agent && m.at == start:
			asked = true
		}
	}
	return 0, false
}

// firstAnswer returns the first agent message of the episode. One from before the
// customer came back is none.
func (t thread) firstAnswer() (at int64, ok bool) { return t.answer(t.startedAt) }
