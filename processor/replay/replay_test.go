package replay_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"unpark/processor"
	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

const org = "org-1"

// defaultPolicy is an org file without policies.
type defaultPolicy struct{}

func (defaultPolicy) Get(context.Context, schemas.OrgConfigKey) ([]byte, bool, error) {
	return []byte(`{"id":"org-1"}`), true, nil
}

func newDriver(tb testing.TB, sink func(stream.Output) error) *replay.Driver {
	tb.Helper()
	handler := processor.NewHandler(tb.Context(), processor.Config{
		Rules: processor.NewRules(defaultPolicy{}), Metrics: processor.NewMetrics(nil), Logger: slog.New(slog.DiscardHandler),
	})
	d, err := replay.New(handler, sink)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = d.Close() })
	if err = d.Apply(activation()); err != nil {
		tb.Fatal(err)
	}
	return d
}

func activation() *schemas.InputRecord {
	return &schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: &schemas.ConfigActivated{
		OrgId: org, Part: schemas.PartRules, Version: "v1",
	}}}
}

func event(conversation string, topic schemas.EventTopic, session string, at int64) *schemas.InputRecord {
	return &schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{
		OrgId: org, ConversationId: conversation, Topic: topic, EventTimeMs: at, SessionId: session,
		MediaType: "message", MessageType: "whatsapp", Direction: "inbound", QueueId: "q-1", UserId: "u-1",
	}}}
}

// Without an event after it nothing falls due: `--until` says how far time goes.
func TestAdvanceIsWhatMovesTime(t *testing.T) {
	outputs := 0
	d := newDriver(t, func(stream.Output) error { outputs++; return nil })
	const start, hour = 1_772_442_000_000, 3_600_000
	for _, step := range []struct {
		do   func() error
		want int
	}{
		{func() error {
			return d.Pipe(event("c", schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, "s", start), start)
		}, 0},
		{func() error { return d.Advance(start + 3*hour + hour/2 + 9_999) }, 0},
		{func() error { return d.Advance(start + 3*hour + hour/2 + 10_000) }, 1},
		{func() error { return d.Advance(start + 10*hour) }, 2},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if err := d.Commit(); err != nil {
			t.Fatal(err)
		}
		if outputs != step.want {
			t.Errorf("got %d escalations, want %d", outputs, step.want)
		}
	}
}

// BenchmarkPipe is one event of a centre in which 2,000 conversations are open at
// a time, each of six events.
func BenchmarkPipe(b *testing.B) {
	d := newDriver(b, func(stream.Output) error { return nil })
	topics := []schemas.EventTopic{
		schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_ACD_START, schemas.EventTopic_EVENT_TOPIC_USER_START,
		schemas.EventTopic_EVENT_TOPIC_ACD_END, schemas.EventTopic_EVENT_TOPIC_USER_END, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END,
	}
	sessions := []string{"customer", "acd", "user", "acd", "user", "customer"}
	const width = 2000
	inputs := make([]*schemas.InputRecord, 0, b.N)
	times := make([]int64, 0, b.N)
	for i := range b.N {
		round, slot := i/(width*len(topics)), i%width
		step := i / width % len(topics)
		at := int64(1_772_442_000_000) + int64(i)*50
		inputs = append(inputs, event(fmt.Sprintf("c-%d-%d", round, slot), topics[step], sessions[step], at))
		times = append(times, at)
	}
	b.ResetTimer()
	b.ReportAllocs()
	for i := range inputs {
		if err := d.Pipe(inputs[i], times[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
