package genesys

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"unpark/connectors/genesys/api"
	"unpark/schemas"
)

// DefaultDays is how far a backfill looks back: an e-mail may be answered for 30
// days (Genesys's threading window).
const DefaultDays = 31

// inFlight is how long the events of what has just happened may be on their way.
const inFlight = 15 * time.Minute

// Backfill brings what the processor knows of an org's open conversations in line
// with what Genesys knows: it tells the starts that are missing, and the ends. All
// that it tells are facts, as the bridge and the verifier tell them; those that the
// processor has are left out, so that nothing of a conversation that is known moves.
type Backfill struct {
	Org    string // id
	Client *Client
	// Rules are the org's newest.
	Rules []byte
	// Days is how far to look back.
	Days int
	// Daily leaves out what may still be told by events, and every call waits until
	// nobody else needs one.
	Daily bool
	// States returns what the processor knows of the org's conversations: encoded
	// ConversationStates, by conversation.
	States func(ctx context.Context) (map[string][]byte, error)
	// Keep names the attributes that the org's rules need.
	Keep []string
	// Produce puts facts of one conversation on conversation-events; nil: nothing is
	// told, only said.
	Produce func(ctx context.Context, conversation string, facts ...*schemas.InputRecord) error
	// Swept is told how far the search is, Said what is changed; nil: nobody.
	Swept func(day time.Time, found int)
	Said  func(Change)
}

// What a Change can be.
const (
	ChangeOpened    = "opened"    // the processor did not know that it is open
	ChangeCompleted = "completed" // of one it knows, it lacked a start or an end
	ChangeEnded     = "ended"     // the processor did not know that it is over
	ChangeUnseen    = "unseen"    // none: it is open for the processor, and what Genesys says cannot be had
)

// Change is what a backfill tells the processor of one conversation.
type Change struct {
	Conversation string    `json:"conversation"`
	Change       string    `json:"change"`
	Media        string    `json:"media"`
	Since        time.Time `json:"since"` // the start of its episode
	// Until is its end; zero if it is open.
	Until time.Time `json:"until,omitzero"`
	Facts int       `json:"facts"`
	// NotSeen is why it could not be looked at before; empty: it was, or the org's
	// checks are off.
	NotSeen string `json:"notSeen,omitempty"`
}

// Summary counts conversations.
type Summary struct {
	Open      int `json:"open"`      // Genesys has them open
	Known     int `json:"known"`     // of these the processor lacks nothing
	Opened    int `json:"opened"`    // changed so
	Completed int `json:"completed"` // changed so
	Ended     int `json:"ended"`     // changed so
	// Lost are open for the processor and not there in Genesys.
	Lost int `json:"lost"`
	// Unseen are open for the processor and could not be looked at.
	Unseen int `json:"unseen"`
}

// Run compares and tells. It may be called at any time and any number of times; what
// it has told when it fails is told.
func (b Backfill) Run(ctx context.Context) (Summary, error) {
	if b.Daily {
		ctx = withPatience(ctx)
	}
	r := &comparison{Backfill: b, set: parseSettings(b.Rules), before: b.Client.clock.Now().Add(-inFlight)}
	var err error
	if r.found, err = b.Client.sweep(ctx, b.Days, func(day time.Time, found int) {
		if b.Swept != nil {
			b.Swept(day, found)
		}
	}); err != nil {
		return r.sum, fmt.Errorf("find open conversations: %w", err)
	}
	// Read after Genesys was asked: what begins meanwhile is known by then.
	if r.states, err = b.States(ctx); err != nil {
		return r.sum, fmt.Errorf("read what the processor knows: %w", err)
	}
	if err = r.open(ctx); err == nil {
		err = r.end(ctx)
	}
	return r.sum, err
}

// comparison is one run of a Backfill.
type comparison struct {
	Backfill
	set    settings
	before time.Time // what happened since may be told by events
	found  map[string]openConversation
	states map[string][]byte
	sum    Summary
	seen   bool  // one of those that the processor has open could be looked at
	unseen error // why another could not
}

// open tells what is missing of the conversations that are open, the oldest first.
func (r *comparison) open(ctx context.Context) error {
	all := slices.SortedFunc(maps.Values(r.found), func(a, b openConversation) int {
		return cmp.Or(a.start().Compare(b.start()), cmp.Compare(a.id, b.id))
	})
	for _, o := range all {
		st, err := decodeState(r.states[o.id])
		if err != nil {
			return fmt.Errorf("conversation %s: %w", o.id, err)
		}
		if !o.running(r.set.settle()) {
			delete(r.found, o.id)
			continue
		}
		r.sum.Open++
		g, lacks := gapOf(o, st, r.set.settle(), r.before)
		if !lacks || r.Daily && g.unknown && !g.since.Before(r.before) {
			r.sum.Known++
			continue
		}
		if err := r.add(ctx, g); err != nil {
			return fmt.Errorf("conversation %s: %w", o.id, err)
		}
	}
	return nil
}

// add tells what is missing of a conversation. One that the processor does not know
// is looked at first, so that what is due of it can be judged at once, and so that
// it takes no longer than the org's rate allows.
func (r *comparison) add(ctx context.Context, g gap) error {
	c := Change{Conversation: g.id, Change: ChangeCompleted, Media: g.sessions[0].media, Since: g.since}
	var facts []*schemas.InputRecord
	if g.unknown {
		c.Change = ChangeOpened
		seen, over, err := r.look(ctx, g)
		switch {
		case err != nil && (ctx.Err() != nil || asError(err).orgWide()):
			return err
		case over:
			r.sum.Open--
			return nil
		case err != nil:
			c.NotSeen = asError(err).Reason
		}
		facts = seen
	}
	return r.tell(ctx, c, append(facts, g.facts(r.Org)...))
}

// look returns what a look at a conversation adds: who wrote when, if the org's
// checks are on, since without them nobody would look again; and its attributes. It
// is not needed for what adds neither, unless the processor has closed it.
func (r *comparison) look(ctx context.Context, g gap) (facts []*schemas.InputRecord, over bool, err error) {
	if !r.set.Checks && len(r.Keep) == 0 && !g.closed {
		return nil, false, nil
	}
	s, err := r.Client.look(ctx, g.id)
	if err != nil {
		return nil, g.closed || asError(err).Reason == ReasonNotFound, err
	}
	if s.observed.EndedAtMs != nil {
		return nil, true, nil
	}
	if r.set.Checks {
		facts = append(facts, r.observed(s.observed))
	}
	if e := r.attributes(s); e != nil {
		facts = append(facts, e)
	}
	return facts, false, nil
}

func (r *comparison) observed(o *schemas.ThreadObserved) *schemas.InputRecord {
	o.OrgId = r.Org
	return &schemas.InputRecord{Kind: &schemas.InputRecord_ThreadObserved{ThreadObserved: o}}
}

// attributes returns those that the org keeps, as they are now: of one that several
// participants have, that of the newest.
func (r *comparison) attributes(s *sight) *schemas.InputRecord {
	kept := make(map[string]string)
	byTime := slices.Clone(s.conversation.Participants)
	slices.SortStableFunc(byTime, func(a, b api.Participant) int { return entered(&a).Compare(entered(&b)) })
	for _, p := range byTime {
		for _, key := range r.Keep {
			if value, ok := p.Attributes[key]; ok {
				kept[key] = value
			}
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return &schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{
		OrgId: r.Org, ConversationId: s.observed.ConversationId, Topic: schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES,
		EventTimeMs: s.observed.ObservedAtMs, Attributes: kept,
	}}}
}

// end looks at what the processor has open and Genesys has not, and tells the ends.
func (r *comparison) end(ctx context.Context) error {
	for _, id := range slices.Sorted(maps.Keys(r.states)) {
		if _, open := r.found[id]; open {
			continue
		}
		st, err := decodeState(r.states[id])
		if err != nil {
			return fmt.Errorf("conversation %s: %w", id, err)
		}
		since := time.UnixMilli(st.GetEpisode().GetFirstStart().GetAtMs()).UTC()
		if !st.GetEpisode().GetOpened() || !since.Before(r.before) {
			continue
		}
		if err := r.endOne(ctx, Change{Conversation: id, Change: ChangeEnded, Media: st.Episode.Media.GetValue(), Since: since}); err != nil {
			return fmt.Errorf("conversation %s: %w", id, err)
		}
	}
	if !r.seen {
		return r.unseen // of each: that is no trouble of theirs, but a permission missing, say
	}
	return nil
}

func (r *comparison) endOne(ctx context.Context, c Change) error {
	o, err := r.Client.Observe(ctx, c.Conversation)
	switch {
	case err != nil && (ctx.Err() != nil || asError(err).orgWide()):
		return err
	case err != nil && asError(err).Reason == ReasonNotFound:
		r.seen = true
		r.sum.Lost++
		return nil
	case err != nil: // its own trouble, which may never end: those after it have their turn
		c.Change, c.NotSeen = ChangeUnseen, asError(err).Reason
		r.sum.Unseen++
		r.unseen = fmt.Errorf("conversation %s: %w", c.Conversation, err)
		r.say(c)
		return nil
	}
	r.seen = true
	switch {
	case o.EndedAtMs == nil || *o.EndedAtMs >= r.before.UnixMilli():
		return nil // it is open, or the event that tells its end may be on its way
	}
	c.Until = time.UnixMilli(*o.EndedAtMs).UTC()
	return r.tell(ctx, c, []*schemas.InputRecord{r.observed(o)})
}

// tell produces the facts and counts the change.
func (r *comparison) tell(ctx context.Context, c Change, facts []*schemas.InputRecord) error {
	if c.Facts = len(facts); r.Produce != nil {
		if err := r.Produce(ctx, c.Conversation, facts...); err != nil {
			return err
		}
	}
	*map[string]*int{ChangeOpened: &r.sum.Opened, ChangeCompleted: &r.sum.Completed, ChangeEnded: &r.sum.Ended}[c.Change]++
	r.say(c)
	return nil
}

func (r *comparison) say(c Change) {
	if r.Said != nil {
		r.Said(c)
	}
}

// decodeState decodes a state; of none it returns nil.
func decodeState(raw []byte) (*schemas.ConversationState, error) {
	if raw == nil {
		return nil, nil
	}
	return schemas.DecodeState(raw)
}

func (o openConversation) start() time.Time {
	if len(o.sessions) == 0 {
		return time.Time{}
	}
	return o.sessions[0].start
}

// running says whether it is open as SLA.md 2 has it: Genesys ends a conversation
// only after its wrap-up.
func (o openConversation) running(settle time.Duration) bool {
	_, over := over(current(o.sessions, settle))
	return !over
}
