package processor_test

import (
	"testing"

	"pgregory.net/rapid"

	"unpark/processor"
	"unpark/processor/sla"
	"unpark/schemas"
)

// TestExplainEqualsModel: what explain says of a conversation, at any moment of any
// history with checks, is what the model decides by.
func TestExplainEqualsModel(t *testing.T) {
	oracle(t, 100)
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, r, genCheckedHistory(r))
		defer w.driver.Close()
		x := &explained{world: w, model: newModel(), rules: processor.NewRules(w.history)}
		for _, c := range w.history.orgs {
			x.model.learn(r, c)
		}
		w.between = x.compare
		w.run()
	})
}

// explained is a model that follows a world, to compare what explain says.
type explained struct {
	*world
	model          *model
	rules          *processor.Rules
	applied, heard int // of the world's log, and of what it told
}

// compare lets the model hear what is new, and compares every conversation.
func (x *explained) compare() {
	for ; x.heard < len(x.out); x.heard++ {
		if o := x.out[x.heard]; o.Topic.Suffix == schemas.GenesysRequests.Suffix {
			q := &schemas.GenesysRequest{}
			x.check(q.UnmarshalVT(o.Value))
			key, _ := describe(q)
			x.model.ids[key] = append(x.model.ids[key], q.Id)
		}
	}
	for ; x.applied < len(x.log); x.applied++ {
		x.model.apply(x.log[x.applied].Input, x.log[x.applied].AppendTime)
	}
	states := map[string]*schemas.ConversationState{}
	x.check(x.driver.State(func(key, value []byte) bool {
		if key[0] == schemas.KindConversation {
			st, err := schemas.DecodeState(value)
			x.check(err)
			states[string(key)] = st
		}
		return true
	}))
	for _, c := range x.model.conversations {
		st := states[string(schemas.ConversationKey(c.org, c.id))]
		if st == nil {
			st = &schemas.ConversationState{}
		}
		rules, err := x.rules.Get(x.outer.Context(), c.org, x.model.active[c.org].version, "")
		x.check(err)
		said := sla.Explain(st, sla.Env{Now: x.driver.Now(), Org: c.org, Conversation: c.id, Rules: rules})
		if wrong := c.contradicts(said); wrong != "" {
			x.t.Fatalf("%s: %+v\n%s", wrong, said, x)
		}
	}
}

// contradicts names what an explanation says otherwise than the model, if anything.
func (c *modelConversation) contradicts(x sla.Explanation) string {
	e := c.episode()
	open := x.State == sla.StageRunning || x.State == sla.StageStopped
	if !e.open() || !open {
		return wrong(e.open() != open, "whether it is open")
	}
	end, stopped := e.stopped()
	p, check := c.policy(e), c.check.awaited()
	switch {
	case stopped != (x.State == sla.StageStopped) || stopped && int64(*x.EndedAt) != end:
		return "its end"
	case int64(*x.StartedAt) != e.startedAt():
		return "its start"
	case (p == nil) != (x.Policy == nil) || p != nil && p.Name != *x.Policy:
		return "its policy"
	case check != (x.Check != nil) || check && x.Check.ID != c.check.id:
		return "the look that is outstanding"
	case stopped:
		return ""
	}
	tiers, n := c.dueTiers(e), x.Next
	switch {
	case len(tiers) == 0 && c.acting == nil:
		idle := x.WaitsFor == sla.WaitsCustomer || x.WaitsFor == sla.WaitsNobody || x.WaitsFor == sla.WaitsPolicy
		return wrong(n != nil || !idle, "that something is due")
	case len(tiers) == 0:
		return wrong(n != nil || x.WaitsFor != sla.WaitsAction, "that more than an action is due")
	case n == nil:
		return "that nothing is due"
	}
	t := tiers[0]
	return wrong(t.due != int64(n.Due) || t.objective.Objective != n.Objective || t.at() != n.Seconds*1000, "what is due next")
}

func wrong(is bool, what string) string {
	if is {
		return what
	}
	return ""
}
