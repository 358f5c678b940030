package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

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

// A cluster that has had no group before makes the topic of groups when it is asked for
// the first one's coordinator, and has none yet.
func TestCommittedInputOfNewCluster(t *testing.T) {
	brokers, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer brokers.Close()
	refusals := 0
	brokers.ControlKey(int16(kmsg.FindCoordinator), func(req kmsg.Request) (kmsg.Response, error, bool) {
		brokers.KeepControl()
		if refusals++; refusals > 3 {
			return nil, nil, false
		}
		find := req.(*kmsg.FindCoordinatorRequest)
		resp := find.ResponseKind().(*kmsg.FindCoordinatorResponse)
		for _, key := range find.CoordinatorKeys {
			c := kmsg.NewFindCoordinatorResponseCoordinator()
			c.Key, c.NodeID, c.ErrorCode = key, -1, kerr.CoordinatorNotAvailable.Code
			resp.Coordinators = append(resp.Coordinators, c)
		}
		resp.ErrorCode = kerr.CoordinatorNotAvailable.Code
		return resp, nil, true
	})
	adm, err := kadm.NewOptClient(kgo.SeedBrokers(brokers.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer adm.Close()
	if committed, err := committedInput(t.Context(), adm, "t."); err != nil || len(committed) != 0 {
		t.Errorf("committed %v, %v; want nothing, as there is no group", committed, err)
	}
	if refusals < 4 {
		t.Errorf("%d questions for the coordinator, want some refused", refusals)
	}
}

// A topic that is not there is said as such, with what to do.
func TestHistoryWithoutTopic(t *testing.T) {
	brokers, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer brokers.Close()
	c := &cluster{kafka: []kgo.Opt{kgo.SeedBrokers(brokers.ListenAddrs()...)}, layout: kafka.Layout{Prefix: "t."}}
	const want = "topic t.conversation-events is missing; run: unpark topics create"
	if err := cutOff(t.Context(), c); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
