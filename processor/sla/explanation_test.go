package sla_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unpark/processor/calendar"
	"unpark/processor/sla"
	"unpark/schemas"
)

// explained is what the tests compare of an Explanation.
type explained struct {
	State, Policy, WaitsFor string
	Counted                 map[string]int64 // seconds, by objective
	NextDue                 int64
	Raised                  int
}

func explainAt(t *testing.T, st *schemas.ConversationState, env sla.Env, now int64) (sla.Explanation, explained) {
	t.Helper()
	env.Now = now
	before, err := st.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	x := sla.Explain(st, env)
	if after, err := st.MarshalVT(); err != nil || !bytes.Equal(before, after) {
		t.Errorf("Explain has changed the state (%v)", err)
	}
	e := explained{State: x.State, WaitsFor: x.WaitsFor, Counted: map[string]int64{}, Raised: len(x.Raised)}
	if x.Policy != nil {
		e.Policy = *x.Policy
	}
	if x.Next != nil {
		e.NextDue = int64(x.Next.Due)
	}
	for _, o := range x.Objectives {
		e.Counted[o.Objective] = o.Elapsed
		sum := int64(0)
		for _, i := range o.Explain {
			if i.State == "running" {
				sum += int64(i.To - i.From)
			}
		}
		if sum/1000 != o.Elapsed {
			t.Errorf("%s: the intervals add up to %d ms, counted %d s", o.Objective, sum, o.Elapsed)
		}
	}
	return x, e
}

// TestExplain follows a conversation through its life.
func TestExplain(t *testing.T) {
	env := sla.Env{Now: start, Org: "org-1", Conversation: "c-1", Rules: defaultRules(t)}
	st := &schemas.ConversationState{}
	_, got := explainAt(t, st, env, start)
	check := func(name string, want explained) {
		t.Helper()
		if want.Counted == nil {
			want.Counted = map[string]int64{}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	check("nothing known", explained{State: sla.StageNothing, WaitsFor: sla.WaitsStart})

	sla.Step(st, event(schemas.EventTopic_EVENT_TOPIC_USER_END, "s-0", start), env)
	_, got = explainAt(t, st, env, start)
	check("an end before its start", explained{State: sla.StageExpected, WaitsFor: sla.WaitsStart})
	sla.Step(st, sla.Input{Observed: &schemas.ThreadObserved{ObservedAtMs: start, Messages: []*schemas.ThreadMessage{{AtMs: start}}}}, env)
	x, got := explainAt(t, st, env, start+1000)
	check("a look before its start", explained{State: sla.StageExpected, WaitsFor: sla.WaitsStart})
	if o := x.Observation; o == nil || int64(o.ObservedAt) != start || len(o.Messages) != 1 || !o.Fresh {
		t.Errorf("observation %+v", o)
	}

	st = held(t, env)
	x, got = explainAt(t, st, env, start+hour)
	check("an hour later", explained{
		State: sla.StageRunning, Policy: "default", WaitsFor: sla.WaitsDue,
		Counted: map[string]int64{"reply": 3600, "open": 3600}, NextDue: start + 3*hour + hour/2,
	})
	if x.Agent == nil || *x.Agent.ID != "7272d362-0000-4000-8000-dc7b7683153a" || len(x.Sessions) != 3 || x.Look == nil {
		t.Errorf("agent %v, sessions %v, look %v", x.Agent, x.Sessions, x.Look)
	}
	_, got = explainAt(t, st, env, start+3*hour+hour/2)
	check("due, within grace", explained{
		State: sla.StageRunning, Policy: "default", WaitsFor: sla.WaitsGrace,
		Counted: map[string]int64{"reply": 12600, "open": 12600}, NextDue: start + 3*hour + hour/2,
	})

	env.Now = start + 3*hour + hour/2 + 10_000
	sla.Step(st, sla.Input{}, env)
	x, got = explainAt(t, st, env, env.Now)
	check("raised", explained{
		State: sla.StageRunning, Policy: "default", WaitsFor: sla.WaitsDue,
		Counted: map[string]int64{"reply": 12610, "open": 12610}, NextDue: start + 4*hour, Raised: 1,
	})
	raised := x.Raised[0]
	if raised.Status != "raised" || raised.Kind != "warning" || len(raised.ID) != 32 {
		t.Errorf("raised %+v", raised)
	}

	answered := &schemas.ThreadObserved{ObservedAtMs: start + 4*hour - 1000, Messages: []*schemas.ThreadMessage{
		{AtMs: start, By: schemas.Author_AUTHOR_CUSTOMER}, {AtMs: start + 3*hour + hour*3/4, By: schemas.Author_AUTHOR_AGENT},
	}}
	sla.Step(st, sla.Input{Observed: answered}, env)
	x, got = explainAt(t, st, env, start+4*hour)
	check("answered", explained{
		State: sla.StageRunning, Policy: "default", WaitsFor: sla.WaitsDue,
		Counted: map[string]int64{"reply": 0, "open": 14400}, NextDue: start + 48*hour, Raised: 1,
	})
	if x.Raised[0].Status != "cleared" || x.Objectives[0].Start != nil || !x.Observation.Fresh || len(x.Observation.Messages) != 2 {
		t.Errorf("raised %+v, reply %+v, observation %+v", x.Raised[0], x.Objectives[0], x.Observation)
	}

	for i := range 3 {
		topic := []schemas.EventTopic{
			schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END, schemas.EventTopic_EVENT_TOPIC_ACD_END, schemas.EventTopic_EVENT_TOPIC_USER_END,
		}[i]
		sla.Step(st, event(topic, x.Sessions[i].ID, start+5*hour), env)
	}
	x, got = explainAt(t, st, env, start+5*hour+60_000)
	check("over, not settled", explained{
		State: sla.StageStopped, Policy: "default", WaitsFor: sla.WaitsSettle,
		Counted: map[string]int64{"reply": 0, "open": 18000}, Raised: 1,
	})
	if x.Agent != nil || x.Look == nil || int64(*x.Look) != start+5*hour+120_000 {
		t.Errorf("agent %v, look %v", x.Agent, x.Look)
	}

	env.Now = start + 6*hour
	sla.Step(st, sla.Input{}, env)
	x, got = explainAt(t, st, env, start+6*hour)
	check("closed", explained{State: sla.StageNothing, WaitsFor: sla.WaitsStart})
	if x.ClosedAt == nil || int64(*x.ClosedAt) != start+5*hour {
		t.Errorf("closed at %v", x.ClosedAt)
	}
	if len(x.Past) != 1 || x.Past[0].ID != raised.ID || x.Past[0].Due != raised.Due {
		t.Errorf("past %+v, want what was raised, %+v", x.Past, raised)
	}
}

// TestExplainPast lists each raising of what is over once, and none that is raised in the
// episode that is open: its close was taken back.
func TestExplainPast(t *testing.T) {
	env := sla.Env{Now: start, Org: "org-1", Conversation: "c-1", Rules: defaultRules(t)}
	tier := func(due int64, raising uint32) *schemas.Raised {
		return &schemas.Raised{Objective: "reply", AtMs: 3 * hour, DueMs: due, Raising: raising}
	}
	closed := &schemas.Raising{Objective: "reply", AtMs: 3 * hour, DueMs: start - 4*hour, Count: 2}
	back := &schemas.Raising{Objective: "reply", AtMs: 3 * hour, DueMs: start, Count: 1}
	st := &schemas.ConversationState{Past: []*schemas.Raising{closed, back}}
	sla.Step(st, event(schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, "s1", start-3*hour), env)
	st.Episode.Raised = []*schemas.Raised{tier(start, 1)}

	x, _ := explainAt(t, st, env, start)
	var got []string
	for _, p := range x.Past {
		got = append(got, p.ID)
	}
	want := []string{sla.EscalationID("org-1", "c-1", tier(start-4*hour, 1)), sla.EscalationID("org-1", "c-1", tier(start-4*hour, 2))}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("past (-want +got):\n%s", diff)
	}
}

// TestExplainPolicy says why policies were passed over, without the values of
// attributes.
func TestExplainPolicy(t *testing.T) {
	promise := []sla.Objective{{Objective: sla.Reply, Hours: "office", Tiers: []sla.Tier{{At: schemas.Duration(hour * 1e6), Kind: sla.KindBreach}}}}
	rules, err := sla.Compile(sla.Rules{
		Calendars: map[string]calendar.Config{"office": {Timezone: "UTC", Weekly: map[string][]string{"fri": {"09:00-17:00"}}}},
		Policies: []sla.Policy{
			{Name: "mail", Match: sla.Match{Media: []string{"email"}}, Objectives: promise},
			{Name: "vip", Match: sla.Match{Attributes: map[string]string{"vip": "yes"}}, Objectives: promise},
			{Name: "gold", Match: sla.Match{Attributes: map[string]string{"tier": "gold"}}, Objectives: promise},
			{Name: "message", Match: sla.Match{Media: []string{"message"}}, Objectives: promise},
			{Name: "never tried", Objectives: promise},
		},
	}, "v1")
	if err != nil {
		t.Fatal(err)
	}
	env := sla.Env{Now: start, Rules: rules}
	st := held(t, env)
	st.Episode.Attributes = map[string]*schemas.Fact{"tier": {Value: "a secret"}}
	x, got := explainAt(t, st, env, start+hour)
	want := []sla.PassedPolicy{
		{Policy: "mail", Because: "media is message, it wants email"},
		{Policy: "vip", Because: "attribute vip is not there"},
		{Policy: "gold", Because: "attribute tier has another value"},
	}
	if diff := cmp.Diff(want, x.PassedOver); diff != "" {
		t.Errorf("passed over (-want +got):\n%s", diff)
	}
	// Monday: the office is closed until Friday.
	if got.Policy != "message" || got.Counted["reply"] != 0 || x.Next == nil || x.Next.Hours != "closed" || got.NextDue != start+97*hour {
		t.Errorf("policy %s, counted %d, next %+v", got.Policy, got.Counted["reply"], x.Next)
	}
}

// TestExplainChecks says what Genesys was asked, and when it is looked at next.
func TestExplainChecks(t *testing.T) {
	rules, err := sla.Compile(sla.Rules{ID: "org-1", Checks: true, Policies: []sla.Policy{{Name: "all", Objectives: []sla.Objective{
		{Objective: sla.Reply, Hours: sla.HoursAlways, Tiers: []sla.Tier{{At: schemas.Duration(hour * 1e6), Kind: sla.KindAction, Action: sla.ActionRequeue}}},
	}}}}, "v1")
	if err != nil {
		t.Fatal(err)
	}
	const second = int64(1000)
	env := sla.Env{Now: start, Org: "org-1", Conversation: "c-1", Rules: rules, MayAct: func() bool { return true }}
	st := held(t, env)
	look := func(at int64) sla.Effects {
		env.Now = at
		return sla.Step(st, sla.Input{}, env)
	}
	observe := func(id string, messages ...*schemas.ThreadMessage) {
		sla.Step(st, sla.Input{Observed: &schemas.ThreadObserved{
			RequestId: id, ObservedAtMs: env.Now, Agent: &schemas.Agent{Id: "ann"}, Messages: messages,
		}}, env)
	}
	asked := &schemas.ThreadMessage{AtMs: start, By: schemas.Author_AUTHOR_CUSTOMER}

	x, _ := explainAt(t, st, env, start)
	if n := x.NextCheck; n == nil || n.For != "look_ahead" || int64(n.At) < start+hour-600*second || int64(n.At) >= start+hour || x.Check != nil {
		t.Errorf("before: check %v, next %v", x.Check, n)
	}
	due := look(start + hour + 10*second)
	x, got := explainAt(t, st, env, env.Now)
	if c := x.Check; c == nil || c.ID != due.Requests[0].Id || c.For != "action" || c.AnswerBy != nil || got.WaitsFor != sla.WaitsCheck || x.NextCheck != nil {
		t.Errorf("due: check %+v, waits for %s, next %v", c, got.WaitsFor, x.NextCheck)
	}
	look(env.Now + second)
	if x, _ = explainAt(t, st, env, env.Now); x.Check == nil || int64(*x.Check.AnswerBy) != env.Now+300*second {
		t.Errorf("a tick later: check %+v", x.Check)
	}
	observe(due.Requests[0].Id, asked)
	act := look(env.Now + second)
	x, got = explainAt(t, st, env, env.Now)
	if a := x.Action; a == nil || a.ID != act.Requests[0].Id || a.For != "requeue" || x.Check != nil || got.WaitsFor != sla.WaitsAction {
		t.Errorf("acting: action %+v, check %v, waits for %s", a, x.Check, got.WaitsFor)
	}
	over := st.CloneVT()
	sla.Step(over, event(schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END, x.Sessions[0].ID, env.Now), env)
	if x, got = explainAt(t, over, env, env.Now+200*second); got.State != sla.StageStopped || got.WaitsFor != sla.WaitsAction || int64(*x.Look) != env.Now+1 {
		t.Errorf("over, acting: %s, waits for %s, look %v", got.State, got.WaitsFor, x.Look)
	}
	sla.Step(st, sla.Input{Done: &schemas.ActionDone{RequestId: act.Requests[0].Id, Outcome: "done"}}, env)
	if x, _ = explainAt(t, st, env, env.Now); x.Action != nil || len(x.Raised) != 1 || x.NextCheck == nil || x.NextCheck.For != "follow_up" {
		t.Errorf("done: action %v, raised %v, next %v", x.Action, x.Raised, x.NextCheck)
	}
	env.Now += second
	observe("", asked, &schemas.ThreadMessage{AtMs: start + hour, By: schemas.Author_AUTHOR_AGENT})
	if x, got = explainAt(t, st, env, env.Now); got.WaitsFor != sla.WaitsCustomer || x.NextCheck == nil || int64(x.NextCheck.At) != env.Now+hour {
		t.Errorf("answered: waits for %s, next %v", got.WaitsFor, x.NextCheck)
	}
}

// TestExplainTurn: a second action waits for the outcome of the first, long after events
// in flight have had their time.
func TestExplainTurn(t *testing.T) {
	action := func(at int64) []sla.Tier {
		return []sla.Tier{{At: schemas.Duration(at * 1e6), Kind: sla.KindAction, Action: sla.ActionRequeue}}
	}
	rules, err := sla.Compile(sla.Rules{ID: "org-1", Checks: true, Policies: []sla.Policy{{Name: "all", Objectives: []sla.Objective{
		{Objective: sla.Reply, Hours: sla.HoursAlways, Tiers: action(hour)},
		{Objective: sla.Open, Hours: sla.HoursAlways, Tiers: action(hour + 1000)},
	}}}}, "v1")
	if err != nil {
		t.Fatal(err)
	}
	env := sla.Env{Now: start, Org: "org-1", Conversation: "c-1", Rules: rules, MayAct: func() bool { return true }}
	st := held(t, env)
	env.Now = start + hour + 20_000
	sla.Step(st, sla.Input{Observed: &schemas.ThreadObserved{
		ObservedAtMs: env.Now, Agent: &schemas.Agent{Id: "ann"}, Messages: []*schemas.ThreadMessage{{AtMs: start, By: schemas.Author_AUTHOR_CUSTOMER}},
	}}, env)
	sla.Step(st, sla.Input{}, env)
	if x, got := explainAt(t, st, env, env.Now); x.Action == nil || got.WaitsFor != sla.WaitsAction {
		t.Errorf("action %v, waits for %s", x.Action, got.WaitsFor)
	}
	// Also if no policy matches by now.
	env.Rules, err = sla.Compile(sla.Rules{ID: "org-1", Checks: true, Policies: []sla.Policy{{Name: "mails", Match: sla.Match{Media: []string{"email"}}, Objectives: []sla.Objective{
		{Objective: sla.Reply, Hours: sla.HoursAlways, Tiers: action(hour)},
	}}}}, "v2")
	if err != nil {
		t.Fatal(err)
	}
	if x, got := explainAt(t, st, env, env.Now); x.Policy != nil || got.WaitsFor != sla.WaitsAction {
		t.Errorf("without a policy: waits for %s, policy %v", got.WaitsFor, x.Policy)
	}
}
