package main

import (
	"testing"

	"unpark/connectors/eventbridge"
	"unpark/processor"
	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

// TestLentEventsAreBounded lends memory for a fact that is not judged yet, and for much
// in which there are none.
func TestLentEventsAreBounded(t *testing.T) {
	handler := processor.NewHandler(t.Context(), processor.Config{Rules: processor.NewRules(nil), Metrics: processor.NewMetrics(nil)})
	to := replay.NewSharded([]stream.Handler{handler}, func(stream.Output) error { return nil })
	fact := replay.Fact{Input: &schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{OrgId: "o", ConversationId: "c"}}}, Conversation: "c"}
	if err := to.Pipe(fact); err != nil {
		t.Fatal(err)
	}
	var lent lentEvents
	for range 3 * maxLent {
		if err := lent.add(to, eventbridge.NewEvents(1)); err != nil {
			t.Fatal(err)
		}
		if len(lent) > maxLent {
			t.Fatalf("%d lent", len(lent))
		}
	}
}
