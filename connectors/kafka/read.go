package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ReadToEnd calls each for the committed records of a topic, in the order of each
// partition, up to its end as of the call.
func ReadToEnd(ctx context.Context, opts []kgo.Opt, topic string, each func(*kgo.Record) error) error {
	cl, err := newReader(opts)
	if err != nil {
		return fmt.Errorf("read %s: %w", topic, err)
	}
	defer cl.Close()
	ends, from, err := extent(ctx, kadm.NewClient(cl), topic)
	if err != nil {
		return err
	}
	return readTo(ctx, cl, topic, from, ends, each)
}

// ReadSince is ReadToEnd for the records of an instant and later, by the topic's
// timestamps, and for some partitions only (none: all).
func ReadSince(ctx context.Context, opts []kgo.Opt, topic string, since time.Time, partitions []int32, each func(*kgo.Record) error) error {
	cl, err := newReader(opts)
	if err != nil {
		return fmt.Errorf("read %s: %w", topic, err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	ends, from, err := extent(ctx, adm, topic)
	if err != nil {
		return err
	}
	first, err := adm.ListOffsetsAfterMilli(ctx, since.UnixMilli(), topic)
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return fmt.Errorf("read %s since %s: %w", topic, since.UTC().Format(time.RFC3339), err)
	}
	for id, end := range ends {
		begin, ok := first.Lookup(topic, id)
		if !ok || begin.Offset >= end || len(partitions) > 0 && !slices.Contains(partitions, id) {
			delete(ends, id)
			delete(from, id)
			continue
		}
		from[id] = kgo.NewOffset().At(begin.Offset)
	}
	return readTo(ctx, cl, topic, from, ends, each)
}

// ReadFrom is ReadToEnd for one partition, from an offset on or from where it begins by
// now.
func ReadFrom(ctx context.Context, opts []kgo.Opt, topic string, at Position, each func(*kgo.Record) error) error {
	cl, err := newReader(opts)
	if err != nil {
		return fmt.Errorf("read %s: %w", topic, err)
	}
	defer cl.Close()
	ends, from, err := extent(ctx, kadm.NewClient(cl), topic)
	end, ok := ends[at.Partition]
	if err != nil || !ok || at.Offset >= end {
		return err
	}
	begin := max(at.Offset, from[at.Partition].EpochOffset().Offset)
	return readTo(ctx, cl, topic, map[int32]kgo.Offset{at.Partition: kgo.NewOffset().At(begin)}, map[int32]int64{at.Partition: end}, each)
}

// CommittedEnds returns the ends of a topic's partitions that hold anything.
func CommittedEnds(ctx context.Context, opts []kgo.Opt, topic string) (map[int32]int64, error) {
	cl, err := newReader(opts)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", topic, err)
	}
	defer cl.Close()
	ends, _, err := extent(ctx, kadm.NewClient(cl), topic)
	return ends, err
}

// AwaitStable waits until every transaction that has written to the topics by now
// has ended and its markers are written. The group's offsets are told of a commit
// before each partition is: what is read of one in between lacks what the offsets
// already stand for. A transaction that nobody ends is aborted by the brokers when
// its time is over.
func AwaitStable(ctx context.Context, opts []kgo.Opt, topics ...string) error {
	adm, err := kadm.NewOptClient(opts...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer adm.Close()
	ends, err := adm.ListEndOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("read the ends of %v: %w", topics, err)
	}
	ends.Each(func(end kadm.ListedOffset) {
		if err == nil && end.Err != nil {
			err = Unreadable(end.Topic, end.Err)
		}
	})
	if err != nil {
		return err
	}
	_, err = backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, reached(ctx, adm, ends) },
		backoff.WithBackOff(backoff.NewConstantBackOff(100*time.Millisecond)), backoff.WithMaxElapsedTime(time.Minute))
	return err
}

// reached says which partition is not stable up to its end yet.
func reached(ctx context.Context, adm *kadm.Client, ends kadm.ListedOffsets) error {
	stable, err := adm.ListCommittedOffsets(ctx, slices.Collect(maps.Keys(ends))...)
	if err == nil {
		err = stable.Error()
	}
	if err != nil {
		return err
	}
	ends.Each(func(end kadm.ListedOffset) {
		if at, ok := stable.Lookup(end.Topic, end.Partition); err == nil && (!ok || at.Offset < end.Offset) {
			err = fmt.Errorf("%s/%d: a transaction is open at offset %d", end.Topic, end.Partition, at.Offset)
		}
	})
	return err
}

func newReader(opts []kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(opts[:len(opts):len(opts)],
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// The end is counted in offsets, and the last one may be a control record.
		kgo.KeepControlRecords())...)
}

// readTo reads partitions from where they start up to their ends, which it uses
// up.
func readTo(ctx context.Context, cl *kgo.Client, topic string, from map[int32]kgo.Offset, ends map[int32]int64, each func(*kgo.Record) error) error {
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	for len(ends) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			end, ok := ends[r.Partition]
			if ok && r.Offset+1 >= end {
				delete(ends, r.Partition)
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
	var first kadm.ListedOffsets
	if err == nil {
		first, err = adm.ListStartOffsets(ctx, topic)
	}
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return nil, nil, Unreadable(topic, err)
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

// Unreadable says why a topic cannot be read, and what to do if it is not there.
func Unreadable(topic string, err error) error {
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("topic %s is missing; run: unpark topics create", topic)
	}
	return fmt.Errorf("read %s: %w", topic, err)
}
