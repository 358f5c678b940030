package sla

import (
	"maps"
	"slices"

	"unpark/schemas"
)

// Explanation is what is known of a conversation and what follows from it at one
// instant, for people: nothing in it decides anything. Of attributes it has the
// keys only, of messages the times, of agents the ids. Pointers are null where there is nothing to
// say.
type Explanation struct {
	Org          string          `json:"org"`
	Conversation string          `json:"conversation"`
	Now          schemas.Instant `json:"now"`
	State        string          `json:"state"` // one of Stage...
	// ClosedAt is the end of the episode before, while it is remembered.
	ClosedAt  *schemas.Instant  `json:"closedAt"`
	StartedAt *schemas.Instant  `json:"startedAt"`
	EndedAt   *schemas.Instant  `json:"endedAt"`
	Direction *string           `json:"direction"`
	Media     *string           `json:"media"`
	Message   *string           `json:"messageType"`
	Division  *string           `json:"division"`
	Queue     *schemas.QueueRef `json:"queue"`
	Agent     *AgentFact        `json:"agent"` // who holds it
	Sessions  []SessionFact     `json:"sessions"`
	// Attributes are the keys of those that are kept.
	Attributes  []string         `json:"attributes"`
	Observation *ObservationFact `json:"observation"`

	PolicyVersion string `json:"policyVersion"`
	// SchedulesVersion is that of the schedule groups' content; null if the
	// calendars need none or there is none.
	SchedulesVersion *string         `json:"schedulesVersion"`
	Policy           *string         `json:"policy"`
	PassedOver       []PassedPolicy  `json:"passedOver"` // those tried before it
	Objectives       []ObjectiveView `json:"objectives"`
	Raised           []RaisedView    `json:"raised"`
	// Past is what closed episodes raised, while the newest of them is remembered.
	Past []PastView `json:"past"`
	Next *NextTier  `json:"next"`
	// Check is the look at Genesys that is outstanding, Action what Genesys was
	// asked to do, NextCheck the look that is planned next if nothing changes.
	Check     *RequestView   `json:"check"`
	Action    *RequestView   `json:"action"`
	NextCheck *NextCheckView `json:"nextCheck"`
	WaitsFor  string         `json:"waitsFor"` // one of Waits...
	// Look is when the conversation is looked at next.
	Look *schemas.Instant `json:"look"`
}

// Stages of a conversation, see the diagram of Step.
const (
	StageNothing  = "nothing"  // no episode is known
	StageExpected = "expected" // facts have come before the episode's first start
	StageRunning  = "running"
	StageStopped  = "stopped" // over, and not settled yet
)

// What a conversation waits for.
const (
	WaitsStart    = "start"    // an event that opens an episode
	WaitsSettle   = "settle"   // the end to settle, and events in queues
	WaitsPolicy   = "policy"   // no policy matches
	WaitsDue      = "due"      // the next tier to fall due
	WaitsGrace    = "grace"    // events in flight and in queues; the tier has fallen due
	WaitsCheck    = "check"    // the answer to a look; the tier has fallen due
	WaitsAction   = "action"   // the outcome of an action, the tier's or the one before it
	WaitsCustomer = "customer" // nobody is owed an answer
	WaitsNobody   = "nobody"   // no tier is left: each is raised, or of a first reply that is given or owed to nobody
)

// AgentFact is who holds a conversation: an id, no name.
type AgentFact struct {
	ID    *string          `json:"id"`
	State *string          `json:"state"`
	Since *schemas.Instant `json:"since"`
}

// SessionFact is a leg as far as it is known.
type SessionFact struct {
	ID      string           `json:"id"`
	Kind    string           `json:"kind"` // customer, acd, user, flow
	Started *schemas.Instant `json:"startedAt"`
	Ended   *schemas.Instant `json:"endedAt"`
	Queue   *string          `json:"queue"`
	User    *string          `json:"user"`
}

// ObservationFact is the newest observation of the episode, or that which is kept for
// the next: times only.
type ObservationFact struct {
	ObservedAt schemas.Instant  `json:"observedAt"`
	StartedAt  *schemas.Instant `json:"startedAt"`
	EndedAt    *schemas.Instant `json:"endedAt"`
	Messages   []MessageFact    `json:"messages"`
	Truncated  bool             `json:"truncated"`
	Fresh      bool             `json:"fresh"`
}

// MessageFact says which side wrote when.
type MessageFact struct {
	At schemas.Instant `json:"at"`
	By string          `json:"by"` // customer, agent, bot
}

// Explain says what is known of the state and what follows from it at env.Now.
// It changes nothing. env.Rules are those in force.
func Explain(st *schemas.ConversationState, env Env) Explanation {
	st = st.CloneVT() // looking ahead forgets what is too old
	x := Explanation{
		Org: env.Org, Conversation: env.Conversation, Now: schemas.Instant(env.Now), State: StageNothing,
		ClosedAt: instant(st.ClosedAtMs), PolicyVersion: env.Rules.Version, SchedulesVersion: text(env.Rules.Schedules), WaitsFor: WaitsStart,
		Sessions: []SessionFact{}, Attributes: []string{}, PassedOver: []PassedPolicy{}, Objectives: []ObjectiveView{}, Raised: []RaisedView{},
		Past: pastViews(st, env),
	}
	if ep := st.Episode; ep != nil {
		s := &step{st: st, env: env}
		x.facts(ep)
		x.observed(s)
		if ep.Opened {
			x.opened(s)
		}
	}
	// An episode whose close was taken back is remembered as closed, too.
	x.Past = slices.DeleteFunc(x.Past, func(p PastView) bool {
		return slices.ContainsFunc(x.Raised, func(r RaisedView) bool { return r.ID == p.ID })
	})
	if at, ok := NextLook(st, env); ok {
		x.Look = instant(&at)
	}
	return x
}

// facts tells what is known of an episode, opened or not.
func (x *Explanation) facts(ep *schemas.Episode) {
	x.State = StageExpected
	x.Media, x.Message, x.Division = text(ep.Media.GetValue()), text(ep.MessageType.GetValue()), text(ep.Division.GetValue())
	for _, s := range ep.Sessions {
		x.Sessions = append(x.Sessions, SessionFact{
			ID: s.Id, Kind: sessionKindNames[s.Kind], Started: instant(s.StartedAtMs), Ended: instant(s.EndedAtMs),
			Queue: text(s.QueueId), User: text(s.UserId),
		})
	}
	x.Attributes = slices.AppendSeq(x.Attributes, maps.Keys(ep.Attributes))
	slices.Sort(x.Attributes)
}

var sessionKindNames = map[schemas.SessionKind]string{
	schemas.SessionKind_SESSION_KIND_CUSTOMER: "customer",
	schemas.SessionKind_SESSION_KIND_ACD:      "acd",
	schemas.SessionKind_SESSION_KIND_USER:     "user",
	schemas.SessionKind_SESSION_KIND_FLOW:     "flow",
}

// opened tells what follows from an episode that has started.
func (x *Explanation) opened(s *step) {
	ep := s.st.Episode
	started := startedAt(ep)
	x.StartedAt, x.Direction = instant(&started), text(direction(ep))
	x.Queue = queue(ep)
	if a := holder(ep); a != nil {
		x.Agent = &AgentFact{ID: a.ID, State: a.State, Since: a.Since}
	}
	for _, r := range ep.Raised {
		x.Raised = append(x.Raised, s.raisedView(r))
	}
	until, p := s.env.Now, x.policy(s)
	x.State = StageRunning
	if end, stopped := endedAt(ep); stopped {
		x.State, x.EndedAt, until = StageStopped, instant(&end), min(end, until)
	}
	if p != nil {
		t := readThread(s.st, p.botsReply)
		for i := range p.objectives {
			x.Objectives = append(x.Objectives, s.objectiveView(&p.objectives[i], t, until))
		}
	}
	x.WaitsFor = x.next(s, p)
	x.asked(s)
}

func (x *Explanation) observed(s *step) {
	o := observation(s.st.Episode)
	if o == nil {
		return
	}
	f := &ObservationFact{
		ObservedAt: schemas.Instant(o.ObservedAtMs), StartedAt: instant(o.StartedAtMs), EndedAt: instant(o.EndedAtMs),
		Messages: []MessageFact{}, Truncated: o.Truncated, Fresh: s.verified(),
	}
	for _, m := range o.Messages {
		f.Messages = append(f.Messages, MessageFact{At: schemas.Instant(m.AtMs), By: authorNames[m.By]})
	}
	x.Observation = f
}

var authorNames = map[schemas.Author]string{
	schemas.Author_AUTHOR_CUSTOMER: "customer", schemas.Author_AUTHOR_AGENT: "agent", schemas.Author_AUTHOR_BOT: "bot",
}

func instant(ms *int64) *schemas.Instant {
	if ms == nil {
		return nil
	}
	at := schemas.Instant(*ms)
	return &at
}
