package lockstep

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/schemas"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func record(t *testing.T, topic schemas.Topic, partition int32, at time.Time, v interface{ MarshalVT() ([]byte, error) }) *kgo.Record {
	t.Helper()
	value, err := v.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return &kgo.Record{Topic: topic.Suffix, Partition: partition, Timestamp: at, Value: value}
}

// The clock may go on when every partition has ticked, the bridge has read as far
// for it, and every request has its answer, in whichever order the two are read;
// and when a request is not answered for longer than anybody should wait.
func TestBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Watch{
			config: Config{Partitions: 2, Excused: func(org string, _ time.Time) bool { return org == "dead" }},
			ticks:  map[int32]time.Time{}, words: map[int32]time.Time{}, asked: map[string]request{}, early: map[string]bool{},
		}
		now := monday.Add(time.Hour)
		behind := func(want time.Duration) {
			t.Helper()
			if got := w.Behind(now); got != want {
				t.Errorf("behind by %v, want %v", got, want)
			}
		}
		tick := func(p int32, at time.Time) {
			w.note(record(t, schemas.ConversationEvents, p, at, &schemas.InputRecord{Kind: &schemas.InputRecord_Tick{Tick: &schemas.Tick{}}}))
		}
		word := func(p int32, upTo time.Time) {
			w.note(record(t, schemas.ConversationEvents, p, now, &schemas.InputRecord{Kind: &schemas.InputRecord_SourceProgress{
				SourceProgress: &schemas.SourceProgress{Source: "sqs", ReadUpToMs: upTo.UnixMilli()},
			}}))
		}
		ask := func(id string, at time.Time) {
			w.note(record(t, schemas.GenesysRequests, 0, at, &schemas.GenesysRequest{Id: id, OrgId: map[string]string{"d": "dead"}[id], RequestedAtMs: at.UnixMilli()}))
		}
		answer := func(id string) {
			w.note(record(t, schemas.ConversationEvents, 0, now, &schemas.InputRecord{Kind: &schemas.InputRecord_CheckFailed{CheckFailed: &schemas.CheckFailed{RequestId: id}}}))
		}
		word(0, now)
		word(1, now)
		tick(0, now)
		if w.Behind(now) < time.Hour {
			t.Error("a partition without a tick is not behind")
		}
		tick(1, now.Add(-time.Minute))
		behind(time.Minute)
		tick(1, now)
		behind(0)
		word(1, now.Add(-3*time.Minute))
		behind(3 * time.Minute)
		word(1, now)
		behind(0)
		ask("a", now.Add(-2*time.Minute))
		behind(2 * time.Minute)
		answer("b")
		ask("b", now.Add(-3*time.Minute))
		behind(2 * time.Minute)
		answer("a")
		behind(0)
		ask("d", now.Add(-4*time.Minute))
		behind(0)
		ask("c", now.Add(-2*time.Minute))
		behind(2 * time.Minute)
		time.Sleep(patience)
		behind(0)
		w.Sent(2, now.Add(-time.Minute))
		event := record(t, schemas.ConversationEvents, 0, now, &schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{}}})
		w.note(event)
		behind(time.Minute)
		w.note(event)
		w.note(event)
		behind(0)
	})
}

// While unpark says nothing the clock hurries to the end of the leash, and not
// beyond: most of the time for which the processor waits for an answer is left.
func TestTheLeashIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lead, err := clock.NewLead(monday, 1440, "")
		if err != nil {
			t.Fatal(err)
		}
		w := &Watch{
			config: Config{Partitions: 1, Lead: lead, Leash: 2 * time.Minute},
			ticks:  map[int32]time.Time{0: monday}, words: map[int32]time.Time{0: monday},
		}
		const wall = time.Second
		for range wall / look {
			if err := w.lead(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(look)
		}
		if got := lead.Clock().Now().Sub(monday); got < w.config.Leash || got > w.config.Leash+wall {
			t.Errorf("the clock is %v ahead after %v, the leash is %v", got, wall, w.config.Leash)
		}
	})
}
