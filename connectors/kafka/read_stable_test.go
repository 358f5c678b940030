package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// Who reads what is committed waits for the transaction that is open.
func TestAwaitStable(t *testing.T) {
	opts := fake(t)
	l := DefaultLayout()
	l.Partitions, l.Replication = 1, 1
	if _, err := CreateTopics(testContext(t), kadm.NewClient(client(t, opts...)), l); err != nil {
		t.Fatal(err)
	}
	topic := schemas.Escalations.Name(l.Prefix)
	cl := client(t, append(opts, kgo.TransactionalID("one"))...)
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: topic, Value: []byte("{}")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithTimeout(testContext(t), 300*time.Millisecond)
	defer cancel()
	if err := AwaitStable(impatient, opts, topic); err == nil {
		t.Error("an open transaction is not waited for")
	}
	if err := cl.EndTransaction(testContext(t), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if err := AwaitStable(testContext(t), opts, topic); err != nil {
		t.Error(err)
	}
}

func TestAwaitStableWithoutTheTopic(t *testing.T) {
	err := AwaitStable(testContext(t), fake(t), "unpark.escalations")
	if want := "topic unpark.escalations is missing; run: unpark topics create"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
