package sla_test

import (
	"fmt"
	"testing"

	"unpark/processor/sla"
	"unpark/schemas"
)

const (
	start = int64(1_772_442_000_000) // 2026-03-02T09:00:00Z
	hour  = int64(3_600_000)
)

func defaultRules(tb testing.TB) *sla.RuleSet {
	tb.Helper()
	rs, err := sla.Compile(sla.Rules{ID: "org-1"}, "0123456789abcdef0123456789abcdef")
	if err != nil {
		tb.Fatal(err)
	}
	return rs
}

func event(topic schemas.EventTopic, session string, at int64) sla.Input {
	return sla.Input{Event: &schemas.ConversationEvent{
		OrgId: "32aa07aa-0000-4000-8000-9483601ec29d", ConversationId: "2f7bf00a-0000-4000-8000-92238191433e", Topic: topic, EventTimeMs: at,
		SessionId: session, MediaType: "message", MessageType: "whatsapp", Direction: "inbound",
		QueueId: "b15b0736-0000-4000-8000-6018f0c22fa7", UserId: "7272d362-0000-4000-8000-dc7b7683153a", DivisionId: "0f1e0000-0000-4000-8000-000000000000",
	}}
}

// held is a conversation that an agent holds: the usual state.
func held(tb testing.TB, env sla.Env) *schemas.ConversationState {
	tb.Helper()
	st := &schemas.ConversationState{}
	for i, topic := range []schemas.EventTopic{
		schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_ACD_START, schemas.EventTopic_EVENT_TOPIC_USER_START,
	} {
		session := fmt.Sprintf("58fb5dac-0000-4000-8000-c638dbdd436%d", i)
		sla.Step(st, event(topic, session, start+int64(i)*1000), env)
	}
	return st
}

// TestStateIsBounded bounds what a conversation costs in the store and on the
// changelog, whatever it does.
func TestStateIsBounded(t *testing.T) {
	env := sla.Env{Now: start, Rules: defaultRules(t)}
	st := held(t, env)
	for i := range int64(500) {
		session := fmt.Sprintf("58fb5dac-0000-4000-8000-%012d", i)
		sla.Step(st, event(schemas.EventTopic_EVENT_TOPIC_USER_START, session, start+i*1000), env)
		sla.Step(st, event(schemas.EventTopic_EVENT_TOPIC_USER_END, session, start+i*1000+500), env)
	}
	o := &schemas.ThreadObserved{ObservedAtMs: start + hour}
	for i := range int64(10_000) {
		o.Messages = append(o.Messages, &schemas.ThreadMessage{AtMs: start + i, By: schemas.Author(1 + i%2)})
	}
	sla.Step(st, sla.Input{Observed: o}, env)
	data, err := schemas.AppendState(nil, st)
	if err != nil {
		t.Fatal(err)
	}
	if size := len(data); size > 16<<10 {
		t.Errorf("after 500 transfers and 10,000 messages the state has %d bytes", size)
	}
}

// An event of what is known costs no memory: a processor has millions of them.
func TestStepAllocatesNothing(t *testing.T) {
	env := sla.Env{Now: start, Org: "org-1", Conversation: "c-1", Rules: defaultRules(t)}
	st := held(t, env)
	in := event(schemas.EventTopic_EVENT_TOPIC_USER_START, "58fb5dac-0000-4000-8000-c638dbdd4362", start+hour)
	if n := testing.AllocsPerRun(100, func() {
		in.Event.EventTimeMs++
		sla.Step(st, in, env)
		sla.NextLook(st, env)
	}); n > 0 {
		t.Errorf("%v allocations a step", n)
	}
}

// BenchmarkStep is one event of a conversation that an agent holds, newer than all
// before it.
func BenchmarkStep(b *testing.B) {
	env := sla.Env{Now: start, Org: "org-1", Conversation: "c-1", Rules: defaultRules(b)}
	st := held(b, env)
	in := event(schemas.EventTopic_EVENT_TOPIC_USER_END, "58fb5dac-0000-4000-8000-c638dbdd4362", start+hour)
	b.ReportAllocs()
	for b.Loop() {
		in.Event.EventTimeMs++
		sla.Step(st, in, env)
		sla.NextLook(st, env)
	}
}
