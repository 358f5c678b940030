package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ReadToEnd calls each for the committed records of a topic, in the order of each
// partition, up to its end as of the call.
func ReadToEnd(ctx context.Context, opts []kgo.Opt, topic string, each func(*kgo.Record) error) error {
	cl, err := kgo.NewClient(append(opts[:len(opts):len(opts)],
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// The end is counted in offsets, and the last one may be a control record.
		kgo.KeepControlRecords())...)
	if err != nil {
		return fmt.Errorf("read %s: %w", topic, err)
	}
	defer cl.Close()
	left, from, err := extent(ctx, kadm.NewClient(cl), topic)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("topic %s is missing; run: unpark topics create", topic)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", topic, err)
	}
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			end, ok := left[r.Partition]
			if ok && r.Offset+1 >= end {
				delete(left, r.Partition)
			}
			if !ok || r.Offset >= end || r.Attrs.IsControl() {
				continue
			}
			if err := each(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// extent returns the ends of the partitions that hold anything, and where to
// start reading them.
func extent(ctx context.Context, adm *kadm.Client, topic string) (ends map[int32]int64, from map[int32]kgo.Offset, err error) {
	last, err := adm.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = last.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	first, err := adm.ListStartOffsets(ctx, topic)
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	ends, from = make(map[int32]int64), make(map[int32]kgo.Offset)
	last.Each(func(o kadm.ListedOffset) {
		if begin, ok := first.Lookup(o.Topic, o.Partition); ok && begin.Offset < o.Offset {
			ends[o.Partition] = o.Offset
			from[o.Partition] = kgo.NewOffset().At(begin.Offset)
		}
	})
	return ends, from, nil
}
