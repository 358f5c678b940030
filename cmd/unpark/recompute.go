package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/connectors/kafka"
	"unpark/connectors/orgconfig"
	"unpark/processor"
	"unpark/processor/audit"
	"unpark/processor/stream"
	"unpark/schemas"
)

// processorGroup is the consumer group of the processor, as package stream names
// it.
func processorGroup(prefix string) string { return strings.TrimRight(prefix, ".-_") + "-processor" }

// committedInput returns where the processor's group stands, nothing if there is
// no group. A transaction that moves it is waited for, as with AwaitStable: of its
// end the group may be told after the topics. So is the coordinator of a cluster that
// has had no group before.
func committedInput(ctx context.Context, adm *kadm.Client, prefix string) (map[int32]int64, error) {
	group := processorGroup(prefix)
	offsets, err := backoff.Retry(ctx, func() (kadm.OffsetResponses, error) {
		offsets, err := adm.FetchOffsets(kadm.RequireStable(ctx), group)
		if err == nil {
			err = offsets.Error()
		}
		if err != nil && !kerr.IsRetriable(err) {
			err = backoff.Permanent(err)
		}
		return offsets, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(100*time.Millisecond)), backoff.WithMaxElapsedTime(time.Minute))
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("offsets of group %s: %w", group, err)
	}
	committed := make(map[int32]int64)
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Topic == schemas.ConversationEvents.Name(prefix) {
			committed[o.Partition] = o.At
		}
	})
	return committed, nil
}

// recompute applies the input below limits, by partition, to handlers of its own.
// The caller closes the partitions, also after an error.
func recompute(ctx context.Context, c *cluster, orgs *orgconfig.Store, limits map[int32]int64) (partitions map[int32]*audit.Partition, records int, err error) {
	handlers := processor.Config{
		Rules: processor.NewRules(orgs), Metrics: processor.NewMetrics(nil), Logger: slog.New(slog.DiscardHandler),
	}
	partitions = make(map[int32]*audit.Partition)
	for id, limit := range limits {
		p, err := audit.NewPartition(id, limit, processor.NewHandler(ctx, handlers))
		if err != nil {
			return partitions, 0, err
		}
		partitions[id] = p
	}
	topic := schemas.ConversationEvents.Name(c.layout.Prefix)
	err = kafka.ReadToEnd(ctx, c.kafka, topic, func(r *kgo.Record) error {
		p := partitions[r.Partition]
		if p == nil || r.Offset >= limits[r.Partition] {
			return nil
		}
		records++
		if err := p.Apply(stream.Record{Offset: r.Offset, AppendTime: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}); err != nil {
			return fmt.Errorf("%s/%d offset %d: %w", topic, r.Partition, r.Offset, err)
		}
		return nil
	})
	for _, p := range partitions {
		err = errors.Join(err, p.Finish())
	}
	return partitions, records, err
}

// cutOff returns an error that says where the input does not begin at its beginning
// any more, since retention has deleted it; nil if it is whole.
func cutOff(ctx context.Context, c *cluster) error {
	adm, err := kadm.NewOptClient(c.kafka...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer adm.Close()
	topic := schemas.ConversationEvents.Name(c.layout.Prefix)
	starts, err := adm.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return kafka.Unreadable(topic, err)
	}
	var cut []string
	for _, o := range starts.Offsets().Sorted() {
		if o.At > 0 {
			cut = append(cut, fmt.Sprintf("%s/%d begins at offset %d", topic, o.Partition, o.At))
		}
	}
	if len(cut) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", errCutOff, strings.Join(cut, ", "))
}

// errCutOff is that of cutOff for a log that can be read.
var errCutOff = errors.New("what the deleted part of the log has led to cannot be recomputed")

func closePartitions(partitions map[int32]*audit.Partition) {
	for _, p := range partitions {
		_ = p.Close() // it lives in memory
	}
}
