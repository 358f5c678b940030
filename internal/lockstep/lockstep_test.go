package lockstep

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
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

// The clock may go on when every partition has handled a tick, the bridge has read as far
// for it, and every request has its answer, in whichever order the two are read;
// and when a request is not answered for longer than anybody should wait.
func TestBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lead, err := clock.NewLead(monday, 1440, "")
		if err != nil {
			t.Fatal(err)
		}
		w := newWatch(Config{Partitions: 2, Lead: lead, Excused: func(org string, _ time.Time) bool { return org == "dead" }})
		now := monday.Add(time.Hour)
		behind := func(want time.Duration) {
			t.Helper()
			if got := w.Behind(now); got != want {
				t.Errorf("behind by %v, want %v", got, want)
			}
		}
		tick := func(p int32, at time.Time) {
			w.note(record(t, schemas.ConversationEvents, p, at, &schemas.InputRecord{Kind: &schemas.InputRecord_Tick{Tick: &schemas.Tick{}}}))
			w.settle(progress{positions: map[int32]int64{p: 1}})
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

// A tick is handled when the transaction that did so is over and what it asked has
// been read: neither the tick alone lets the clock go on, nor the position, nor what
// follows on the topic of requests but its end.
func TestATickIsHandled(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, schemas.ConversationEvents.Suffix, schemas.GenesysRequests.Suffix))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	lead, err := clock.NewLead(monday, 1440, "")
	if err != nil {
		t.Fatal(err)
	}
	kafka := []kgo.Opt{kgo.SeedBrokers(broker.ListenAddrs()...)}
	w, err := New(Config{Kafka: kafka, Group: "processor", Partitions: 1, Lead: lead})
	if err != nil {
		t.Fatal(err)
	}
	defer w.client.Close()
	admin := kadm.NewClient(w.client)
	s, err := kgo.NewGroupTransactSession(append(kafka, kgo.ConsumerGroup("processor"), kgo.TransactionalID("p"),
		kgo.ConsumeTopics(schemas.ConversationEvents.Suffix), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	progress := func() progress {
		t.Helper()
		p, err := w.progress(t.Context(), admin)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	read := func(done func() bool) {
		t.Helper()
		for !done() {
			w.client.PollFetches(t.Context()).EachRecord(w.note)
		}
	}

	tick := record(t, schemas.ConversationEvents, 0, monday, &schemas.InputRecord{Kind: &schemas.InputRecord_Tick{Tick: &schemas.Tick{}}})
	if err := w.client.ProduceSync(t.Context(), tick).FirstErr(); err != nil {
		t.Fatal(err)
	}
	s.PollFetches(t.Context())
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
	ask := record(t, schemas.GenesysRequests, 0, monday, &schemas.GenesysRequest{Id: "a", RequestedAtMs: monday.UnixMilli()})
	if err := s.ProduceSync(t.Context(), ask).FirstErr(); err != nil {
		t.Fatal(err)
	}
	read(func() bool { return len(w.ticks[0]) > 0 })
	if w.settle(progress()) {
		t.Error("all is read while a transaction is open")
	}
	if committed, err := s.End(t.Context(), kgo.TryCommit); !committed || err != nil {
		t.Fatal(committed, err)
	}
	p := progress()
	if w.settle(p) || !w.handled[0].IsZero() {
		t.Error("a tick is handled of which a request is not read")
	}
	read(func() bool { return w.read[0] >= 2 }) // the request and the end of its transaction
	if !w.settle(p) || !w.handled[0].Equal(monday) || len(w.asked) != 1 {
		t.Errorf("handled up to %v, asked %v", w.handled[0], w.asked)
	}
}

// While unpark says nothing the clock hurries to the end of the leash, and not
// beyond: most of the time for which the processor waits for an answer is left.
func TestTheLeashIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lead, err := clock.NewLead(monday, 1440, "")
		if err != nil {
			t.Fatal(err)
		}
		w := newWatch(Config{Partitions: 1, Lead: lead, Leash: 2 * time.Minute})
		w.handled[0], w.words[0] = monday, monday
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
