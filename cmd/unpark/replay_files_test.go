package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"unpark/connectors/eventbridge"
	"unpark/processor"
	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

// A replay that is interrupted says so, whatever it was at: what it has read is not all.
func TestInterruptedReplayIsNone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(name, bytes.Repeat([]byte("{}\n"), 24*linesAtOnce), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		files, err := openAll([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		ctx, interrupt := context.WithCancel(t.Context())
		taken := 0
		err = decodeFiles(ctx, files, []eventbridge.Keeper{nil}, func(*block) error {
			for range 1000 {
				runtime.Gosched() // those who read and decode are ahead
			}
			taken++
			interrupt()
			return nil
		})
		if files.close(); err == nil {
			t.Fatalf("%d blocks were taken, and nothing is said", taken)
		}
	}
}

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
