package processor_test

import (
	"slices"

	"unpark/schemas"
)

// The model is a second implementation of SLA.md, written from its text: plain,
// slow, and without state beyond what the text says is remembered. It keeps
// every input that a conversation has heard and works everything out anew
// whenever it is asked. Comments quote the rule they follow, by section.

// model is one partition. pipe drives it as `--clock event` does (ARCHITECTURE.md, "Time
// is in the log"), apply as its log has it.
type model struct {
	now int64
	// paused is how much of the time up to now lies a minute after a tick and before
	// the next: nobody worked the partition.
	paused int64
	// rules are the versions of every org, active those in force; rejudge are the
	// orgs that have new ones since the newest tick.
	rules   map[string]map[string]*modelRules
	active  map[string]*modelRules
	rejudge map[string]bool

	conversations []*modelConversation
	out           []*schemas.Escalation
	requests      []string
	acts          map[string][]int64 // when actions were asked for, by org
	// ids are the processor's ids of requests by what they are about, in order: the model knows
	// when a request is made, and its id is only a name.
	ids map[string][]string
}

// modelConversation is one (org, conversation): "Genesys re-opens ids, so one
// conversation may have several episodes" (1).
type modelConversation struct {
	model   *model
	org, id string
	rules   *modelRules

	// heard is every input since the last episode closed, in order of arrival,
	// and before it what the closing kept for the next episode.
	heard []*schemas.InputRecord
	// closedAt is the closed record {endedAt} (2).
	closedAt *int64
	// unsure is the closed episode, if nobody told of the customer's end, since
	// nothing was known of the customer.
	unsure *modelUnsure
	raised []*modelRaised
	// raisings counts each tier's raisings by due: "`|n` appended for the n-th
	// raising (n >= 2) of the same tier with the same due" (5).
	raisings map[raisingKey]int
	check    *modelRequest // the newest of the episode
	again    bool          // this tick's repeats one that was lost
	acting   *modelAct
}

type raisingKey struct {
	objective string
	at, due   int64
}

func newModel() *model {
	return &model{rules: map[string]map[string]*modelRules{}, active: map[string]*modelRules{}, rejudge: map[string]bool{}, ids: map[string][]string{}, acts: map[string][]int64{}}
}

func (m *model) know(org string, rules *modelRules) {
	if m.rules[org] == nil {
		m.rules[org] = map[string]*modelRules{}
	}
	m.rules[org][rules.version] = rules
}

// activate: "New versions apply from their activation record on, to open
// conversations too" (7).
func (m *model) activate(org, version string) {
	rules := m.rules[org][version]
	if m.active[org] == rules {
		return
	}
	m.active[org], m.rejudge[org] = rules, true
	for _, c := range m.conversations {
		if c.org == org {
			c.rules = rules
		}
	}
}

// apply applies a record of the partition's log.
func (m *model) apply(in *schemas.InputRecord, at int64) {
	switch kind := in.Kind.(type) {
	case *schemas.InputRecord_Tick:
		m.tick(max(at, m.now))
	case *schemas.InputRecord_ConfigActivated:
		m.activate(kind.ConfigActivated.OrgId, kind.ConfigActivated.Version)
	default:
		m.hear(in)
	}
}

// pipe: "before each decodable envelope the driver ticks in order: while
// something falls due at x and x <= the own time, tick at x; then at the own
// time if later than now" (ARCHITECTURE.md).
func (m *model) pipe(in *schemas.InputRecord, at int64) {
	for {
		x, ok := m.nextDue()
		if !ok || x > at {
			break
		}
		m.tick(x)
	}
	if at > m.now {
		m.tick(at)
	}
	m.hear(in)
}

// nextDue: "x = max(now, due + grace, or endedAt + settle)".
func (m *model) nextDue() (int64, bool) {
	at, ok := forever, false
	for _, c := range m.conversations {
		if x, due := c.nextDue(m.now); due {
			at, ok = min(at, max(x, m.now)), true
		}
	}
	return at, ok
}

func (m *model) tick(at int64) {
	if m.now > 0 {
		m.paused += max(0, at-m.now-minute)
	}
	m.now = at
	for _, c := range m.conversations {
		m.out = append(m.out, c.tick(m.now, m.rejudge[c.org])...)
	}
	clear(m.rejudge)
}

func (m *model) hear(in *schemas.InputRecord) {
	org, id := inputKey(in)
	rules := m.active[org]
	// "an org without a file is counted and ignored" (7).
	if rules == nil || !counts(in) {
		return
	}
	i := slices.IndexFunc(m.conversations, func(c *modelConversation) bool { return c.org == org && c.id == id })
	if i < 0 {
		i = len(m.conversations)
		m.conversations = append(m.conversations, &modelConversation{model: m, org: org, id: id, rules: rules, raisings: map[raisingKey]int{}})
	}
	c := m.conversations[i]
	if c.answer(in); in.GetCheckFailed() != nil {
		return
	}
	if done := in.GetActionDone(); done != nil {
		m.out = append(m.out, c.actionDone(m.now, done)...)
		return
	}
	m.out = append(m.out, c.hear(m.now, in)...)
}

// counts: "Only mediaType EMAIL and MESSAGE count; sessions and events of any
// other media are dropped. `attributes` carries no mediaType but
// communications[].mediaType: drop it if it has some and none of those counts"
// (1).
func counts(in *schemas.InputRecord) bool {
	e := in.GetEvent()
	if e == nil {
		return true
	}
	email := func(media string) bool { return media == "email" || media == "message" }
	if e.Topic == schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES {
		return len(e.CommunicationMedia) == 0 || slices.ContainsFunc(e.CommunicationMedia, email)
	}
	return email(e.MediaType)
}

// hear applies one input, and says what follows from it.
func (c *modelConversation) hear(now int64, in *schemas.InputRecord) []*schemas.Escalation {
	// "An event with event time <= endedAt belongs to the closed episode and opens
	// nothing" (2).
	if c.closedAt != nil && inputTime(in) <= *c.closedAt {
		// Unless it is the late start of the customer that nobody knew of: then it was
		// not over (DECISIONS.md).
		if !c.takeBack(in) {
			return nil
		}
	}
	var out []*schemas.Escalation
	// "A new .start (any leg) while stopped sets the same episode running again if
	// its event time is <= endedAt + settle; a later one closes the episode first
	// and opens the next" (2).
	if end, stopped := c.episode().stopped(); stopped && isStart(in) && inputTime(in) > end+c.rules.settle() {
		out = append(out, c.close(now, end)...)
	}
	c.heard = append(c.heard, c.thisEpisode(in))
	if c.episode().open() {
		// "Whenever the facts of an episode change, each raised tier is judged again"
		// (6).
		out = append(out, c.judge(now, nil)...)
	}
	c.forgetExpected(now) // by the rules in force when it comes
	return out
}

// tick looks at the conversation at an instant: "On each tick, for every running
// episode, within a conversation in order of (due, objective, at)" (5).
func (c *modelConversation) tick(now int64, newRules bool) (out []*schemas.Escalation) {
	c.forget(now)
	e := c.episode()
	if !e.open() {
		return nil
	}
	if end, stopped := e.stopped(); stopped {
		out = c.expireAction(now)
		// "Closed: now >= endedAt + settle and still stopped. While stopped nothing
		// falls due" (2), and it "closes only when the outcome of its action is there or
		// has timed out" (5.7).
		if c.acting == nil && now >= end+c.rules.settle() {
			out = append(out, c.close(now, end)...)
			c.forget(now) // a close that comes late may leave no record
			return out
		}
		if newRules {
			out = append(out, c.judge(now, nil)...)
		}
		return out
	}
	if newRules {
		out = c.judge(now, nil)
	}
	out = append(out, c.expire(now)...)
	var held []dueTier
	for _, t := range c.dueTiers(e) {
		// "A tier is due when now >= due + grace" (5).
		if now < t.due+c.rules.grace() {
			continue
		}
		if c.rules.checks && t.tier.Action != "" && c.acting != nil {
			continue // one action at a time, and no look for the next before its turn
		}
		if verified, known := c.knows(now, e, t); known {
			out = append(out, c.raise(now, e, t, verified)...)
		} else {
			held = append(held, t)
		}
	}
	c.look(now, e, held)
	return out
}

func (c *modelConversation) nextDue(now int64) (int64, bool) {
	e := c.episode()
	if !e.open() {
		return 0, false
	}
	if end, stopped := e.stopped(); stopped {
		return end + c.rules.settle(), true
	}
	at, ok := forever, false
	if c.closedAt != nil {
		// Messages from before the end of the previous episode count when its record
		// is gone (3), and may make something due there and then.
		at, ok = *c.closedAt+c.rules.late(), true
	}
	for _, t := range c.dueTiers(e) {
		at, ok = min(at, t.due+c.rules.grace()), true
	}
	return at, ok
}

// episode is what is known of the conversation's episode, or of the next one.
func (c *modelConversation) episode() *modelEpisode {
	e := &modelEpisode{previousEnd: c.closedAt}
	for _, in := range c.heard {
		if event := in.GetEvent(); event != nil {
			e.events = append(e.events, event)
		} else {
			e.observations = append(e.observations, in.GetThreadObserved())
		}
	}
	return e
}

func inputKey(in *schemas.InputRecord) (org, id string) {
	switch kind := in.Kind.(type) {
	case *schemas.InputRecord_Event:
		return kind.Event.OrgId, kind.Event.ConversationId
	case *schemas.InputRecord_ThreadObserved:
		return kind.ThreadObserved.OrgId, kind.ThreadObserved.ConversationId
	case *schemas.InputRecord_CheckFailed:
		return kind.CheckFailed.OrgId, kind.CheckFailed.ConversationId
	case *schemas.InputRecord_ActionDone:
		return kind.ActionDone.OrgId, kind.ActionDone.ConversationId
	}
	return "", ""
}

func inputTime(in *schemas.InputRecord) int64 {
	switch kind := in.Kind.(type) {
	case *schemas.InputRecord_Event:
		return kind.Event.EventTimeMs
	case *schemas.InputRecord_CheckFailed:
		return kind.CheckFailed.AtMs
	case *schemas.InputRecord_ActionDone:
		return kind.ActionDone.AtMs
	}
	return in.GetThreadObserved().GetObservedAtMs()
}
