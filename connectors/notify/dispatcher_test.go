package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
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
			d, stop := f.start(Config{})
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
			if n := f.committed(); n != 40 {
				t.Errorf("committed %d, want all 40: the ledger has them", n)
			}

			// Whoever comes next tells what was not told, in order, and nothing twice.
			f.answer(nil)
			f.start(Config{})
			f.until("the bad one has its own", func() bool { return len(f.takenBy("bad")) == 20 })
			if diff := cmp.Diff(conversations(0, 20), f.takenBy("bad")); diff != "" {
				t.Error(diff)
			}
			f.escalate(good, 40, 41)
			f.until("the good one has one more", func() bool { return len(f.takenBy("good")) > 40 })
			if diff := cmp.Diff(conversations(0, 41), f.takenBy("good")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A notifier that comes back reads of the ledger what it has not read before.
func TestRestartReadsWhatCameSince(t *testing.T) {
	f := newField(t, 2)
	f.dir = t.TempDir()
	read := func() (n int) {
		for line := range strings.Lines(f.logs.String()) {
			if _, rest, ok := strings.Cut(line, "count="); ok && strings.Contains(line, "the ledger of a partition is read") {
				var count int
				if _, err := fmt.Sscan(rest, &count); err != nil {
					t.Fatal(err)
				}
				n += count
			}
		}
		return n
	}
	for round := range 3 {
		d, stop := f.start(Config{})
		f.escalate(both, round*20, round*20+20)
		f.until("all are told", func() bool { return len(f.takenBy("good")) == round*20+20 && len(f.takenBy("bad")) == round*20+20 })
		f.until("the shelf has it", func() bool { return f.shelved(d) == f.end() })
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	if n := read(); n != 6 {
		t.Errorf("%d records of the ledger were read, want two owner records in each of three starts\n%s", n, f.logs.String())
	}
	f.dir = t.TempDir()
	f.start(Config{})
	f.until("an empty shelf is filled from the topic", func() bool { return read() >= 240 })
	if n := len(f.takenBy("good")); n != 60 {
		t.Errorf("%d alerts were told, want 60", n)
	}
}

// A crash before the offset moves reads the escalations again; the ledger knows
// that they were told.
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
	f.until("committed", func() bool { return f.committed() == 3 })
	f.escalate(good, 3, 4)
	f.until("one more is told", func() bool { return slices.Contains(f.takenBy("good"), "c-3") })
	if diff := cmp.Diff(conversations(0, 4), f.takenBy("good")); diff != "" {
		t.Error(diff)
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
	f.start(Config{GiveUp: tick(1)})

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
	mend := f.breakTopic("t.dead-letters")
	f.escalate(none, 0, 1)
	f.escalate(good, 1, 3)
	f.start(Config{})
	f.until("the good one has all", func() bool { return len(f.takenBy("good")) == 2 })
	if n := f.committed(); n != 0 {
		t.Errorf("committed %d before the dead letter was written", n)
	}
	mend()
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

// While the ledger cannot be written nothing is told, and reading pauses.
func TestFullWindowPausesAndReadsOn(t *testing.T) {
	f := newField(t, 1)
	d, _ := f.start(Config{Window: 10})
	f.escalate(good, 100, 101)
	f.until("the ledger is open", func() bool { return f.committed() == 1 })
	mend := f.breakTopic("t.deliveries")
	f.escalate(good, 0, 15)
	f.until("reading pauses", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.paused) == 1
	})
	f.escalate(good, 15, 40)
	if got := f.takenBy("good"); len(got) > 1 {
		t.Errorf("told %v before the ledger had it", got)
	}
	mend()
	f.until("all is committed", func() bool { return f.committed() == 41 })
	f.until("all is told", func() bool { return len(f.takenBy("good")) >= 41 })
	if diff := cmp.Diff(conversations(0, 40), f.takenBy("good")[1:]); diff != "" {
		t.Error(diff)
	}
}

// Partitions move while escalations are in flight: what was not told is told by
// the member that takes over, and nothing is lost or told twice.
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
	f.until("the good one has the rest", func() bool { return len(f.takenBy("good")) >= 60 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	f.until("one member has all partitions", func() bool { return len(b.allWindows()) == 4 })
	close(gate)
	f.until("the bad one has all", func() bool { return len(f.takenBy("bad")) >= 40 })
	f.until("all is committed", func() bool { return f.committed() == 60 })
	for name, want := range map[string][]string{"good": conversations(0, 60), "bad": conversations(0, 40)} {
		got := f.takenBy(name)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{Window: -1}, Deps{}); err == nil {
		t.Error("a negative window is taken")
	}
	if _, err := New(Config{}, Deps{}); err == nil {
		t.Error("missing dependencies are taken")
	}
}

var errDown = Retryable("down", errors.New("down"))

// How long an alert took counts from its raising, what is said of it later from then on.
func TestLatencyOfWhatIsSaidLater(t *testing.T) {
	registry := prometheus.NewRegistry()
	d, err := New(Config{}, Deps{
		Configs: &fakeConfigs{}, Build: func(Destination) (Notifier, error) { return nil, errDown }, Log: slog.New(slog.DiscardHandler), Metrics: registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	e := &entry{Status: schemas.StatusRaised, RaisedAt: instantOf(now.Add(-time.Hour)), Since: instantOf(now.Add(-time.Second))}
	for kind, want := range map[Kind]time.Duration{Alert: time.Hour, Remind: time.Second} {
		d.told(kind.String(), e, kind, now)
		h := d.metrics.latency.WithLabelValues(kind.String()).(prometheus.Histogram)
		var m dto.Metric
		if err := h.Write(&m); err != nil {
			t.Fatal(err)
		}
		if got := time.Duration(m.GetHistogram().GetSampleSum() * float64(time.Second)).Round(time.Second); got != want {
			t.Errorf("%s took %s, want %s", kind, got, want)
		}
	}
}
