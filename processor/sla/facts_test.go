package sla_test

import (
	"strings"
	"testing"

	"unpark/processor/sla"
	"unpark/schemas"
)

// A value that is too long to be kept whole still takes the place of the one before,
// whatever order they come in.
func TestLongAttribute(t *testing.T) {
	promise := []sla.Objective{{Objective: sla.Reply, Tiers: []sla.Tier{{At: schemas.Duration(hour * 1e6), Kind: sla.KindWarning}}}}
	rules, err := sla.Compile(sla.Rules{Policies: []sla.Policy{
		{Name: "vip", Match: sla.Match{Attributes: map[string]string{"vip": "yes"}}, Objectives: promise},
		{Name: "rest", Objectives: promise},
	}}, "v1")
	if err != nil {
		t.Fatal(err)
	}
	env := sla.Env{Now: start, Rules: rules}
	vip := func(at int64, value string) sla.Input {
		in := event(schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES, "s-1", at)
		in.Event.Attributes = map[string]string{"vip": value}
		return in
	}
	short, long := vip(start+1000, "yes"), vip(start+2000, strings.Repeat("é", 2000))
	for _, order := range [][]sla.Input{{short, long}, {long, short}} {
		st := held(t, env)
		for _, in := range order {
			sla.Step(st, in, env)
		}
		if x := sla.Explain(st, env); x.Policy == nil || *x.Policy != "rest" {
			t.Errorf("policy %v applies, want rest", x.Policy)
		}
		data, err := schemas.AppendState(nil, st)
		if err != nil || len(data) > 2000 {
			t.Errorf("the state takes %d bytes (%v)", len(data), err)
		}
	}
}
