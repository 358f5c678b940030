package kafka

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"unpark/clock"
	"unpark/schemas"
)

func letter(reason, origin, redrive string) schemas.DeadLetter {
	return schemas.DeadLetter{
		Key: []byte("key"), Value: []byte("value of " + reason), Reason: reason, Error: "no good", Origin: origin,
		Topic: "unpark.conversation-events", Partition: 2, Offset: 41, Redrive: redrive,
	}
}

func produceLetter(t *testing.T, cl *kgo.Client, d schemas.DeadLetter) {
	t.Helper()
	r := &kgo.Record{Topic: schemas.DeadLetters.Name("unpark."), Key: d.Key, Value: d.Value}
	for _, h := range d.Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	if err := cl.ProduceSync(testContext(t), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// inTransaction leaves a letter that was, or was not, committed.
func inTransaction(t *testing.T, opts []kgo.Opt, end kgo.TransactionEndTry, d schemas.DeadLetter) {
	t.Helper()
	cl := client(t, append(opts, kgo.TransactionalID("processor"))...)
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produceLetter(t, cl, d)
	if err := cl.EndTransaction(testContext(t), end); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, opts []kgo.Opt, f Filter) (got []DeadLetter) {
	t.Helper()
	err := ListDeadLetters(testContext(t), opts, "unpark.", f, func(d DeadLetter) error {
		got = append(got, d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDeadLetters(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := start(t, t.TempDir())
	cl := client(t, e.Options()...)
	defer closeAll(t, e, cl)
	if got := list(t, e.Options(), Filter{}); len(got) != 0 {
		t.Errorf("of an empty topic: %v", got)
	}

	notifier := letter("gone", "notifier", schemas.Escalations.Suffix)
	notifier.Extra = []schemas.Header{{Key: schemas.HeaderDestination, Value: []byte("slack")}}
	bridge := letter("undecodable", "bridge", "")
	bridge.Partition, bridge.Offset = -1, -1
	produceLetter(t, cl, notifier)
	produceLetter(t, cl, bridge)
	inTransaction(t, e.Options(), kgo.TryAbort, letter("aborted", "processor", ""))
	inTransaction(t, e.Options(), kgo.TryCommit, letter("undecodable", "processor", schemas.ConversationEvents.Suffix))

	notifier.Extra = nil
	want := []DeadLetter{
		{DeadLetter: notifier, At: Position{0, 0}, Destination: "slack"},
		{DeadLetter: bridge, At: Position{0, 1}},
		{DeadLetter: letter("undecodable", "processor", schemas.ConversationEvents.Suffix), At: Position{0, 4}},
	}
	ignoreTime := cmpopts.IgnoreFields(DeadLetter{}, "Time")
	all := list(t, e.Options(), Filter{})
	if diff := cmp.Diff(want, all, ignoreTime); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if time.Since(all[0].Time) > time.Minute {
		t.Errorf("given up at %v", all[0].Time)
	}
	for _, tt := range []struct {
		f    Filter
		want []DeadLetter
	}{
		{Filter{Reason: "undecodable"}, want[1:]},
		{Filter{Origin: "notifier"}, want[:1]},
		{Filter{At: []Position{{0, 4}, {0, 9}}}, want[2:]},
		{Filter{Reason: "gone", At: []Position{{0, 4}}}, nil},
	} {
		if diff := cmp.Diff(tt.want, list(t, e.Options(), tt.f), ignoreTime); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.f, diff)
		}
	}
	stop := errors.New("enough")
	if err := ListDeadLetters(testContext(t), e.Options(), "unpark.", Filter{}, func(DeadLetter) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error of each: %v", err)
	}
}

func TestRedrive(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := start(t, t.TempDir())
	cl := client(t, e.Options()...)
	defer closeAll(t, e, cl)

	produceLetter(t, cl, letter("undecodable", "processor", schemas.ConversationEvents.Suffix))
	produceLetter(t, cl, letter("undecodable", "bridge", ""))
	produceLetter(t, cl, letter("forged", "nobody", "../elsewhere"))
	got := list(t, e.Options(), Filter{})
	if err := Redrive(testContext(t), cl, "unpark.", got[0], clock.Real()); err != nil {
		t.Fatal(err)
	}
	for _, d := range got[1:] {
		if err := Redrive(testContext(t), cl, "unpark.", d, clock.Real()); err == nil || !strings.Contains(err.Error(), "cannot be sent again") {
			t.Errorf("%s: %v", d.Reason, err)
		}
	}
	var sent []*kgo.Record
	err := ReadToEnd(testContext(t), e.Options(), schemas.ConversationEvents.Name("unpark."), func(r *kgo.Record) error {
		sent = append(sent, r)
		return nil
	})
	if err != nil || len(sent) != 1 {
		t.Fatalf("%d records, %v, want 1", len(sent), err)
	}
	if string(sent[0].Key) != "key" || string(sent[0].Value) != "value of undecodable" {
		t.Errorf("sent %s = %s", sent[0].Key, sent[0].Value)
	}
	d := decode(sent[0])
	if d.Origin != "redrive" || d.Topic != "unpark.dead-letters" || d.Partition != 0 || d.Offset != 0 {
		t.Errorf("origin %+v", d)
	}
}

func TestDeadLettersWithoutTopic(t *testing.T) {
	err := ListDeadLetters(testContext(t), fake(t), "unpark.", Filter{}, func(DeadLetter) error { return nil })
	if want := "topic unpark.dead-letters is missing; run: unpark topics create"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}
