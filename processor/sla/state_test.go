package sla_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"unpark/processor/sla"
	"unpark/schemas"
)

// leg is an event of a usual conversation and the session it is about.
type leg struct {
	topic   schemas.EventTopic
	session int
}

// usual is the life of a conversation: the customer comes, waits in a queue, an
// agent takes it, and it ends.
var usual = []leg{
	{schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, 1},
	{schemas.EventTopic_EVENT_TOPIC_ACD_START, 2},
	{schemas.EventTopic_EVENT_TOPIC_USER_START, 3},
	{schemas.EventTopic_EVENT_TOPIC_ACD_END, 2},
	{schemas.EventTopic_EVENT_TOPIC_CONTACT, 1},
	{schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES, 0},
	{schemas.EventTopic_EVENT_TOPIC_USER_END, 3},
	{schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END, 1},
}

// usualEvent is step n of conversation c.
func usualEvent(c, n int) sla.Input {
	session := ""
	if s := usual[n].session; s > 0 {
		session = fmt.Sprintf("%08x-7db1-4f0e-%04x-c638dbdd4361", c*7919, s)
	}
	in := event(usual[n].topic, session, start+int64(c)*1009+int64(n)*61_000)
	if usual[n].topic == schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES {
		in.Event.Attributes = map[string]string{"vip": "yes"}
	}
	return in
}

// seen is an observation of a conversation that goes on: seven messages, and who
// holds it.
func seen(c int) *schemas.ThreadObserved {
	from := start + int64(c)*1009
	o := &schemas.ThreadObserved{
		OrgId: "32aa07aa-0000-4000-8000-9483601ec29d", ConversationId: "2f7bf00a-0000-4000-8000-92238191433e",
		ObservedAtMs: from + 12_500_000, StartedAtMs: new(from), QueueId: "b15b0736-0000-4000-8000-6018f0c22fa7", QueueName: "Customer care",
		Agent: &schemas.Agent{
			Id: "7272d362-0000-4000-8000-dc7b7683153a", Name: "A. Name of Length", ParticipantId: fmt.Sprintf("%08x-5a5a-4f0e-8000-c638dbdd4361", c),
			State: "parked", SinceMs: new(from + 200_000),
		},
	}
	for i := range int64(7) {
		o.Messages = append(o.Messages, &schemas.ThreadMessage{AtMs: from + 30_000 + i*97_001, By: schemas.Author(1 + i%2)})
	}
	return o
}

// stored returns the sizes of a state after each step of a conversation's life.
func stored(t *testing.T, st *schemas.ConversationState, env sla.Env, steps ...sla.Input) (sizes []int) {
	t.Helper()
	for _, in := range steps {
		sla.Step(st, in, env)
		if at, ok := sla.NextLook(st, env); ok {
			st.DeadlineMs = &at
		}
		data, err := schemas.AppendState(nil, st.CloneVT())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(data))
	}
	return sizes
}

// TestStateSize bounds the state of a held conversation as it is stored, and
// prints how the sizes are spread.
func TestStateSize(t *testing.T) {
	rules, err := sla.Compile(sla.Rules{ID: "org-1", Attributes: []string{"vip"}}, "0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	env := sla.Env{Now: start, Rules: rules}
	const conversations = 200
	sizes := map[string][]int{}
	for c := range conversations {
		st := &schemas.ConversationState{}
		for n := range usual[:6] {
			sizes["events"] = append(sizes["events"], stored(t, st, env, usualEvent(c, n))...)
		}
		looked := st.CloneVT()
		sizes["observed"] = append(sizes["observed"], stored(t, looked, env, sla.Input{Observed: seen(c)})...)
		late := env
		late.Now = start + 5*hour + int64(c)*1009
		sizes["raised"] = append(sizes["raised"], stored(t, st, late, sla.Input{})...)
		sizes["observed, raised"] = append(sizes["observed, raised"], stored(t, looked, late, sla.Input{})...)
	}
	for name, limit := range map[string]int{"events": 260, "observed": 390, "raised": 390, "observed, raised": 520} {
		s := sizes[name]
		slices.Sort(s)
		at := func(percent int) int { return s[(len(s)-1)*percent/100] }
		t.Logf("%-16s %5d states: least %d, median %d, p90 %d, most %d bytes", name, len(s), s[0], at(50), at(90), at(100))
		if at(50) > limit {
			t.Errorf("%s: the median state has %d bytes, more than %d", name, at(50), limit)
		}
	}
}

// A state that remembers a close it may take back can be stored: its episodes
// share nothing.
func TestStateOfAnUnsureClose(t *testing.T) {
	env := sla.Env{Now: start, Rules: defaultRules(t)}
	st := &schemas.ConversationState{}
	const queue = "58fb5dac-0000-4000-8000-c638dbdd4362"
	stored(t, st, env, event(schemas.EventTopic_EVENT_TOPIC_ACD_START, queue, start), event(schemas.EventTopic_EVENT_TOPIC_ACD_END, queue, start+1000))
	contact := event(schemas.EventTopic_EVENT_TOPIC_CONTACT, "", start+2000)
	stored(t, st, env, contact, sla.Input{Observed: &schemas.ThreadObserved{ObservedAtMs: start + 3000}})
	env.Now = start + hour
	stored(t, st, env, sla.Input{})
	if st.Unsure == nil || st.Episode.GetMedia() == nil || st.Episode.Observation == nil {
		t.Fatalf("not the state that this is about: %v", st)
	}
	want := st.CloneVT()
	data, err := schemas.AppendState(nil, st)
	if err != nil {
		t.Fatal(err)
	}
	got, err := schemas.DecodeState(data)
	if err != nil {
		t.Fatal(err)
	}
	if want.Version = schemas.StateVersion; !proto.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// BenchmarkState is what the store costs an event: the usual state decoded and
// encoded.
func BenchmarkState(b *testing.B) {
	data, err := schemas.AppendState(nil, held(b, sla.Env{Now: start, Rules: defaultRules(b)}))
	if err != nil {
		b.Fatal(err)
	}
	var (
		decoder schemas.StateDecoder
		encoded []byte
	)
	b.ReportAllocs()
	for b.Loop() {
		st, err := decoder.Decode(data)
		if err != nil {
			b.Fatal(err)
		}
		if encoded, err = schemas.AppendState(encoded[:0], st); err != nil {
			b.Fatal(err)
		}
		decoder.Reset()
	}
	b.ReportMetric(float64(len(data)), "bytes/state")
}
