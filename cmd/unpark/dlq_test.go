package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/connectors/kafka"
	"unpark/connectors/notify"
	"unpark/connectors/notify/terminal"
	"unpark/schemas"
)

type oneRoute struct{}

const toTerminal = `{"id":"org-1","timezone":"UTC","routes":{"default":[{"terminal":{}}]}}`

func (oneRoute) Rules(context.Context, string, string) ([]byte, bool, error) {
	return []byte(toTerminal), true, nil
}
func (oneRoute) NewestRules(string) ([]byte, bool)     { return []byte(toTerminal), true }
func (oneRoute) NewestSchedules(string) ([]byte, bool) { return nil, false }

// An alert that became a dead letter at its routing is in no ledger: told after it was over
// it would stay open for good.
func TestRedriveLeavesAloneWhatIsOver(t *testing.T) {
	layout := kafka.DefaultLayout()
	layout.Partitions = 1
	broker, err := kafka.StartEmbedded(t.Context(), t.TempDir(), layout, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	cl, err := kgo.NewClient(broker.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	topic := schemas.Escalations.Name(layout.Prefix)
	tell := func(conversation, status string) *kgo.Record {
		t.Helper()
		value, err := schemas.EncodeEscalation(&schemas.Escalation{
			ID: strings.Repeat(conversation, 32), Status: status, Kind: "warning", Org: "org-1", Conversation: conversation, TierSeconds: 60,
		})
		if err != nil {
			t.Fatal(err)
		}
		r := &kgo.Record{Topic: topic, Value: value}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, r := range []*kgo.Record{tell("a", "raised"), tell("b", "raised")} {
		d := schemas.DeadLetter{
			Value: r.Value, Reason: "unknown_route", Origin: originNotifier, Topic: topic, Partition: r.Partition, Offset: r.Offset,
			Extra: []schemas.Header{{Key: schemas.HeaderDestination, Value: []byte("org-1/default")}},
		}
		letter := &kgo.Record{Topic: schemas.DeadLetters.Name(layout.Prefix), Value: d.Value}
		for _, h := range d.Headers() {
			letter.Headers = append(letter.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		if err := cl.ProduceSync(t.Context(), letter).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	tell("a", "cleared")

	var told, said bytes.Buffer
	r := redriver{client: cl, prefix: layout.Prefix, over: kafka.NewOver(broker.Options(), layout.Prefix), deps: notify.Deps{
		Kafka: broker.Options(), Prefix: layout.Prefix, Clock: clock.Real(), Configs: oneRoute{},
		Build: func(notify.Destination) (notify.Notifier, error) { return terminal.New(&told), nil },
	}}
	cmd := &cobra.Command{}
	cmd.SetContext(t.Context())
	cmd.SetOut(&said)
	cmd.SetErr(&said)
	if err := r.all(cmd, kafka.Filter{}); err != nil {
		t.Error(err)
	}
	want := "0/0: the alert is over meanwhile; nobody is told of it any more\n1 sent again, 0 not, 1 over meanwhile\n"
	if diff := cmp.Diff(want, said.String()); diff != "" {
		t.Error(diff)
	}
	if got := told.String(); strings.Contains(got, "Conversation a ") || !strings.Contains(got, "Conversation b ") {
		t.Errorf("told %q, want what stands alone", got)
	}
}
