package sla_test

import (
	"fmt"
	"testing"

	"unpark/processor/sla"
	"unpark/schemas"
)

// TestOldThreadOfAnyLength: a customer who comes back is heard, however much was
// written before and whoever wrote the last of it.
func TestOldThreadOfAnyLength(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before int64 // the start
		closed *int64
		early  bool // the look comes before the start
	}{
		{"closed before", 120_000, new(start - 60_000), false},
		{"unknown before", 3 * hour, nil, false},
		{"looked at before the start", 3 * hour, nil, true},
	} {
		for _, old := range []int{10, 255, 256, 300, 1000} {
			t.Run(fmt.Sprintf("%s, %d messages", tt.name, old), func(t *testing.T) {
				env := sla.Env{Now: start, Org: "org-1", Conversation: "c-1", Rules: defaultRules(t)}
				st := &schemas.ConversationState{ClosedAtMs: tt.closed}
				again := event(schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, "s-1", start)
				again.Event.Direction = "outbound" // as a reconnect is
				o := &schemas.ThreadObserved{ObservedAtMs: start + 60_000}
				for i := range old {
					at := start - tt.before - int64(old-i)*1000 // the last is the customer's
					o.Messages = append(o.Messages, &schemas.ThreadMessage{AtMs: at, By: schemas.Author(1 + (old-1-i)%2)})
				}
				wrote := start + 1000
				o.Messages = append(o.Messages, &schemas.ThreadMessage{AtMs: wrote, By: schemas.Author_AUTHOR_CUSTOMER},
					&schemas.ThreadMessage{AtMs: wrote + 30_000, By: schemas.Author_AUTHOR_CUSTOMER})
				look := sla.Input{Observed: o}
				if tt.early {
					again, look = look, again
				}
				sla.Step(st, again, env)
				sla.Step(st, look, env)

				x, got := explainAt(t, st, env, start+hour)
				if got.NextDue != wrote+3*hour+hour/2 || len(x.Objectives) == 0 || x.Objectives[0].Start == nil {
					t.Errorf("due %d ms after he wrote, want 3.5 h: %+v", got.NextDue-wrote, got)
				}
			})
		}
	}
}
