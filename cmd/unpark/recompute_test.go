package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/connectors/kafka"
	"unpark/schemas"
)

// What came of a log that retention has cut cannot be recomputed: verify says so instead
// of naming differences.
func TestCutOff(t *testing.T) {
	topic := schemas.ConversationEvents.Name("t.")
	brokers, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, topic))
	if err != nil {
		t.Fatal(err)
	}
	defer brokers.Close()
	opts := []kgo.Opt{kgo.SeedBrokers(brokers.ListenAddrs()...)}
	cl, err := kgo.NewClient(append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for range 3 {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Partition: 2}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	c := &cluster{kafka: opts, layout: kafka.Layout{Prefix: "t."}}
	if err := cutOff(t.Context(), c); err != nil {
		t.Errorf("whole: %v", err)
	}
	var to kadm.Offsets
	to.AddOffset(topic, 2, 2, -1)
	if _, err := kadm.NewClient(cl).DeleteRecords(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"cutOff": cutOff(t.Context(), c), "verify": verify(t.Context(), c, nil, nil, false)} {
		if !errors.Is(err, errCutOff) || !strings.HasSuffix(err.Error(), ": t.conversation-events/2 begins at offset 2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
