package kafka

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// feedBatch is how many records a partition hands over at a time: with what its
// client has fetched, all that is held of it.
const feedBatch = 500

// ReadMerged calls each for the committed records of a topic up to its end as of
// the call, those of all partitions in the order in which they were appended: by
// append time, at the same time by partition. Each partition keeps the order of
// its log.
func ReadMerged(ctx context.Context, opts []kgo.Opt, topic string, each func(*kgo.Record) error) error {
	cl, err := newReader(opts)
	if err != nil {
		return fmt.Errorf("read %s: %w", topic, err)
	}
	ends, from, err := extent(ctx, kadm.NewClient(cl), topic)
	cl.Close()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var feeds []*feed
	for partition, end := range ends {
		f := &feed{partition: partition, batches: make(chan []*kgo.Record)}
		feeds = append(feeds, f)
		wg.Go(func() { f.run(ctx, opts, topic, from[partition], end) })
	}
	return merge(feeds, each)
}

// merge takes the earliest of the feeds' heads until all have ended.
func merge(feeds []*feed, each func(*kgo.Record) error) error {
	slices.SortFunc(feeds, func(a, b *feed) int { return int(a.partition - b.partition) })
	for _, f := range feeds {
		f.fill()
	}
	for {
		feeds = slices.DeleteFunc(feeds, func(f *feed) bool { return len(f.batch) == 0 && f.err == nil })
		if len(feeds) == 0 {
			return nil
		}
		first := feeds[0]
		for _, f := range feeds {
			if f.err != nil {
				return f.err
			}
			if f.batch[0].Timestamp.Before(first.batch[0].Timestamp) {
				first = f
			}
		}
		r := first.batch[0]
		first.batch = first.batch[1:]
		first.fill()
		if err := each(r); err != nil {
			return err
		}
	}
}

// feed is one partition of a merge, read by a client of its own, so that a
// partition that is ahead of the others waits for them.
type feed struct {
	partition int32
	batches   chan []*kgo.Record
	failed    error // set before batches is closed

	batch []*kgo.Record // the head's first; empty at the end
	err   error
}

// fill makes batch hold the next records.
func (f *feed) fill() {
	for len(f.batch) == 0 {
		var ok bool
		if f.batch, ok = <-f.batches; !ok {
			f.err = f.failed
			return
		}
	}
}

func (f *feed) run(ctx context.Context, opts []kgo.Opt, topic string, from kgo.Offset, end int64) {
	defer close(f.batches)
	cl, err := newReader(opts)
	if err != nil {
		f.failed = fmt.Errorf("read %s: %w", topic, err)
		return
	}
	defer cl.Close()
	var batch []*kgo.Record
	send := func() error {
		select {
		case f.batches <- batch:
			batch = nil
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	f.failed = readTo(ctx, cl, topic, map[int32]kgo.Offset{f.partition: from}, map[int32]int64{f.partition: end}, func(r *kgo.Record) error {
		if batch = append(batch, r); len(batch) < feedBatch {
			return nil
		}
		return send()
	})
	if f.failed == nil {
		f.failed = send()
	}
}
