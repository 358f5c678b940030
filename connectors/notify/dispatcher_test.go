package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/schemas"
)

func conversations(from, to int) (ids []string) {
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("c-%d", i))
	}
	return ids
}

func down(context.Context, Message) error { return errDown }

func hang(ctx context.Context, _ Message) error { <-ctx.Done(); return ctx.Err() }

func TestDeadDestinationDelaysNobody(t *testing.T) {
	for name, dead := range map[string]func(context.Context, Message) error{"failing": down, "hanging": hang} {
		t.Run(name, func(t *testing.T) {
			f := newField(t, 1)
			f.answer(dead)
			d, stop := f.start(Config{MaxAttempts: 1 << 20})
			f.escalate(both, 0, 20)
			f.escalate(good, 20, 40)
			f.until("the good one has all", func() bool { return len(f.takenBy("good")) == 40 })
			if diff := cmp.Diff(conversations(0, 40), f.takenBy("good")); diff != "" {
				t.Error(diff)
			}
			if err := d.Ready(); err != nil {
				t.Error(err)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			if n := f.committed(); n != 0 {
				t.Errorf("committed %d while nothing before it is settled", n)
			}

			// Whoever comes next tells what was not told, in order.
			f.answer(nil)
			f.start(Config{})
			f.until("the bad one has its own", func() bool { return len(f.takenBy("bad")) == 20 })
			if diff := cmp.Diff(conversations(0, 20), f.takenBy("bad")); diff != "" {
				t.Error(diff)
			}
			f.until("all is committed", func() bool { return f.committed() == 40 })
		})
	}
}

func TestOffsetsOnlyAfterDelivery(t *testing.T) {
	f := newField(t, 1)
	gate, begun := make(chan struct{}), make(chan struct{}, 1)
	f.answer(func(ctx context.Context, m Message) error {
		if m.Escalation.Conversation == "c-1" {
			begun <- struct{}{}
			select {
			case <-gate:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	f.escalate(bad, 0, 2)
	f.escalate(good, 2, 5)
	f.start(Config{})
	<-begun
	f.until("the good one has all", func() bool { return len(f.takenBy("good")) == 3 })
	f.until("the first is committed", func() bool { return f.committed() == 1 })
	close(gate)
	f.until("all is committed", func() bool { return f.committed() == 5 })
}

// A crash after sending and before the commit tells twice rather than never.
func TestCrashBetweenSendAndCommit(t *testing.T) {
	f := newField(t, 1)
	crashed := true
	f.cluster.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.cluster.KeepControl()
		if !crashed {
			return nil, nil, false
		}
		r := req.(*kmsg.OffsetCommitRequest)
		resp := r.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, topic := range r.Topics {
			rt := kmsg.NewOffsetCommitResponseTopic()
			rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				rp := kmsg.NewOffsetCommitResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, kerr.GroupAuthorizationFailed.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
	f.escalate(good, 0, 3)
	_, stop := f.start(Config{})
	f.until("sent", func() bool { return len(f.takenBy("good")) == 3 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	f.cluster.Control(func(kmsg.Request) (kmsg.Response, error, bool) { crashed = false; return nil, nil, false })
	f.start(Config{})
	f.until("sent again", func() bool { return len(f.takenBy("good")) == 6 })
	f.until("committed", func() bool { return f.committed() == 3 })
	if want := slices.Concat(conversations(0, 3), conversations(0, 3)); !slices.Equal(f.takenBy("good"), want) {
		t.Errorf("got %v, want %v", f.takenBy("good"), want)
	}
}

func TestDeadLetters(t *testing.T) {
	f := newField(t, 1)
	f.answer(func(_ context.Context, m Message) error {
		if m.Escalation.Conversation == "c-0" {
			return Permanent("http_404", errors.New("answered 404"))
		}
		return errDown
	})
	f.escalate(bad, 0, 2)    // refused, and failing to the last try
	f.escalate(none, 2, 3)   // no such route
	f.escalate(77, 3, 4)     // no such tier
	f.escalate(nobody, 4, 5) // nothing to do
	f.produce("c-5", []byte(`{"no escalation`))
	f.escalate(both, 6, 7)
	f.start(Config{MaxAttempts: 3})

	var got []string
	for _, r := range f.letters(6) {
		got = append(got, fmt.Sprintf("%s %s to %q from %s/%s/%s by %s", r.Key, header(r, schemas.HeaderReason), header(r, schemas.HeaderDestination),
			header(r, schemas.HeaderOriginTopic), header(r, schemas.HeaderOriginPartition), header(r, schemas.HeaderOriginOffset), header(r, schemas.HeaderOrigin)))
		if string(r.Key) == "c-0" {
			if e, err := schemas.DecodeEscalation(r.Value); err != nil || e.Conversation != "c-0" {
				t.Errorf("the value is not the record: %v", err)
			}
		}
	}
	slices.Sort(got)
	want := []string{
		`c-0 http_404 to "org-1/bad/0" from t.escalations/0/0 by notifier`,
		`c-1 down to "org-1/bad/0" from t.escalations/0/1 by notifier`,
		`c-2 unknown_route to "org-1/none" from t.escalations/0/2 by notifier`,
		`c-3 unknown_tier to "org-1" from t.escalations/0/3 by notifier`,
		`c-5 undecodable to "" from t.escalations/0/5 by notifier`,
		`c-6 down to "org-1/both/1" from t.escalations/0/6 by notifier`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	f.until("all is committed", func() bool { return f.committed() == 7 })
	if got := f.takenBy("good"); !slices.Equal(got, []string{"c-6"}) {
		t.Errorf("the good one got %v", got)
	}
}

// Trouble with the dead letters' topic settles nothing and stops nobody.
func TestDeadLetterThatCannotBeWritten(t *testing.T) {
	f := newField(t, 1)
	failing := true
	f.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.cluster.KeepControl()
		return nil, errors.New("broken pipe"), failing && strings.Contains(fmt.Sprint(req.(*kmsg.ProduceRequest).Topics), "dead-letters")
	})
	f.answer(func(context.Context, Message) error { return Permanent("refused", errors.New("no")) })
	f.escalate(bad, 0, 1)
	f.escalate(good, 1, 3)
	f.start(Config{})
	f.until("the good one has all", func() bool { return len(f.takenBy("good")) == 2 })
	if n := f.committed(); n != 0 {
		t.Errorf("committed %d before the dead letter was written", n)
	}
	f.cluster.Control(func(kmsg.Request) (kmsg.Response, error, bool) { failing = false; return nil, nil, false })
	f.letters(1)
	f.until("all is committed", func() bool { return f.committed() == 3 })
}

func TestAbortedEscalationsAreNotTold(t *testing.T) {
	f := newField(t, 1)
	cl, err := kgo.NewClient(kgo.SeedBrokers(f.cluster.ListenAddrs()...), kgo.TransactionalID("processor"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	e := fridayCase(t)
	e.Conversation, e.Policy, e.TierSeconds = "aborted", "p", good
	value, _ := schemas.EncodeEscalation(&e)
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t.escalations", Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := cl.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	f.escalate(good, 0, 1)
	f.start(Config{})
	f.until("told", func() bool { return len(f.takenBy("good")) > 0 })
	if got := f.takenBy("good"); !slices.Equal(got, []string{"c-0"}) {
		t.Errorf("told %v, want c-0 alone", got)
	}
}

func TestFullWindowPausesAndReadsOn(t *testing.T) {
	f := newField(t, 1)
	gate := make(chan struct{})
	f.answer(func(ctx context.Context, _ Message) error {
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	d, _ := f.start(Config{Window: 10})
	f.escalate(bad, 0, 15)
	f.until("reading pauses", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.paused) == 1
	})
	f.escalate(bad, 15, 40)
	close(gate)
	f.until("all is committed", func() bool { return f.committed() == 40 })
	if diff := cmp.Diff(conversations(0, 40), f.takenBy("bad")); diff != "" {
		t.Error(diff)
	}
}

// More than a window for a dead destination holds the others up for Patience, and
// no longer.
func TestBurstForADeadDestination(t *testing.T) {
	f := newField(t, 1)
	f.answer(down)
	d, _ := f.start(Config{Window: 10, QueueBound: 3, Patience: tick(100), MaxAttempts: 1 << 20})
	f.escalate(bad, 0, 15)
	f.until("reading pauses", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.paused) == 1
	})
	f.escalate(bad, 15, 30)
	f.escalate(good, 30, 35)
	f.until("the good one has all", func() bool { return len(f.takenBy("good")) == 5 })
	for _, r := range f.letters(27) {
		if got := header(r, schemas.HeaderReason); got != reasonQueueFull {
			t.Errorf("%s: reason %s, want %s", r.Key, got, reasonQueueFull)
		}
	}
	f.answer(nil)
	f.until("all is committed", func() bool { return f.committed() == 35 })
	if diff := cmp.Diff(conversations(0, 3), f.takenBy("bad")); diff != "" {
		t.Error(diff)
	}
}

// Partitions move while escalations are in flight: what was not told is told by
// the member that takes over, and nothing is lost.
func TestRebalance(t *testing.T) {
	f := newField(t, 4)
	gate := make(chan struct{})
	f.answer(func(ctx context.Context, _ Message) error {
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	a, stop := f.start(Config{})
	f.escalate(both, 0, 40)
	f.until("the good one has all", func() bool { return len(f.takenBy("good")) >= 40 })
	b, _ := f.start(Config{})
	f.until("the partitions are shared", func() bool { return len(a.allWindows()) == 2 && len(b.allWindows()) == 2 })
	f.escalate(good, 40, 60)
	f.until("the good one has the rest", func() bool { return len(unique(f.takenBy("good"))) == 60 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	f.until("one member has all partitions", func() bool { return len(b.allWindows()) == 4 })
	close(gate)
	f.until("the bad one has all", func() bool { return len(unique(f.takenBy("bad"))) == 40 })
	f.until("all is committed", func() bool { return f.committed() == 60 })
}

func unique(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{Window: -1}, Deps{}); err == nil {
		t.Error("a negative window is taken")
	}
	if _, err := New(Config{}, Deps{}); err == nil {
		t.Error("missing dependencies are taken")
	}
}
