package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"unpark/processor/store"
	"unpark/schemas"
)

// restorer brings a partition's local state to the end of the changelog.
type restorer struct {
	*runner
	id      int32
	store   *store.Partition
	handler Handler
	pos     store.Position
	meta    *schemas.PartitionMeta // nil: no state
	found   bool                   // the changelog holds a meta record from pos.MetaAt on
	stable  int64                  // the last stable offset of the changelog, up to which it was read
}

func (r *runner) newRestorer(id int32, h Handler) *restorer {
	return &restorer{runner: r, id: id, store: r.store.Partition(id), handler: h}
}

// position is the input position that the state stands for, -1 without state.
func (rs *restorer) position() int64 {
	if rs.meta == nil {
		return -1
	}
	return rs.meta.InputPosition
}

// bounds are offsets of the changelog: the first, the last stable, the end.
type bounds struct{ start, stable, end int64 }

func (rs *restorer) bounds(ctx context.Context) (b bounds, err error) {
	topic := rs.cluster.changelog
	for _, q := range []struct {
		list func(context.Context, ...string) (kadm.ListedOffsets, error)
		to   *int64
	}{{rs.admin.ListStartOffsets, &b.start}, {rs.admin.ListEndOffsets, &b.end}, {rs.admin.ListCommittedOffsets, &b.stable}} {
		offsets, err := q.list(ctx, topic)
		if err != nil {
			return b, fmt.Errorf("list offsets of %s: %w", topic, err)
		}
		if *q.to, err = listed(offsets, topic, rs.id); err != nil {
			return b, err
		}
	}
	return b, nil
}

func listed(offsets kadm.ListedOffsets, topic string, id int32) (int64, error) {
	o, ok := offsets.Lookup(topic, id)
	if !ok {
		return 0, fmt.Errorf("list offsets of %s/%d: no answer", topic, id)
	}
	if o.Err != nil {
		return 0, fmt.Errorf("list offsets of %s/%d: %w", topic, id, o.Err)
	}
	return o.Offset, nil
}

// restore reads the changelog from the stored position, or from its start if
// full is set or the local state cannot be built upon, up to the last stable
// offset. That the position has reached it says that restoring is done, not that
// the last record was seen: it may be a marker, or compacted away.
//
// Local state is built upon only if the changelog holds its meta record, or, once
// that is compacted away, a newer one. A broker that was killed has been seen to
// lose the commit markers of a transaction that it had acknowledged (DECISIONS.md).
func (rs *restorer) restore(ctx context.Context, full bool) error {
	pos, ok, err := rs.store.Position()
	if err != nil {
		return err
	}
	b, err := rs.settled(ctx, pos)
	if err != nil {
		return err
	}
	if why := rs.unusable(pos, b); full || !ok || why != "" {
		if ok {
			rs.metrics.fullRestores.Inc()
			rs.log.Warn("restoring in full", schemas.LogPartition, rs.id, schemas.LogReason, why)
			crashpoint("mid-excise")
			if err := rs.store.Drop(); err != nil {
				return err
			}
			crashpoint("after-excise")
		}
		pos = position(TaskConfig{ChangelogTopic: rs.cluster.changelogID, Cluster: rs.cluster.id})
		pos.Changelog, pos.MetaAt = b.start, b.start
	}
	built := pos.Meta != nil
	rs.pos, rs.found, rs.stable = pos, false, b.stable
	rs.store.BeginRestore(rs.index)
	err = errors.Join(rs.readTo(ctx, max(pos.MetaAt, b.start), b.stable), rs.store.EndRestore())
	if err != nil {
		return fmt.Errorf("restore %s/%d: %w", rs.cluster.changelog, rs.id, err)
	}
	if built && !rs.found {
		rs.log.Error("the brokers have lost a transaction that they had committed: local state holds it and the changelog does not", schemas.LogPartition, rs.id, schemas.LogOffset, pos.MetaAt)
		return rs.restore(ctx, true)
	}
	return rs.finish()
}

// settled returns the bounds once the transaction that local state ends with is
// over on the changelog too: the brokers tell of a commit before every partition
// has its marker.
func (rs *restorer) settled(ctx context.Context, pos store.Position) (b bounds, err error) {
	for deadline := time.Now().Add(rs.patience); ; pause(ctx, 20*time.Millisecond) {
		b, err = rs.bounds(ctx)
		if err != nil || b.stable == b.end || b.stable >= pos.Changelog || time.Now().After(deadline) || ctx.Err() != nil {
			return b, errors.Join(err, ctx.Err())
		}
	}
}

// unusable says why the local state must not be built upon; empty: it may.
func (rs *restorer) unusable(pos store.Position, b bounds) string {
	age := time.Since(time.UnixMilli(pos.WrittenAt))
	switch {
	case pos.Cluster != rs.cluster.id || pos.Topic != rs.cluster.changelogID:
		return "the changelog is another one"
	case pos.Format != StateVersion:
		return "the state has another format"
	case pos.Changelog < b.start:
		return "the changelog starts later"
	case pos.Changelog > b.end:
		return "the changelog ends earlier"
	case age > rs.cluster.tombstones/2:
		return "tombstones may have been compacted away"
	case age < -TickTolerance:
		return "the clock has gone back, so nobody knows how old the state is"
	}
	return ""
}

// chunk is what one fetch brought.
type chunk struct {
	records []*kgo.Record
	next    int64
	stable  int64 // the last stable offset by then
}

// readTo reads and applies up to the offset; the next fetch runs while the last
// one is applied.
func (rs *restorer) readTo(ctx context.Context, from, to int64) error {
	g, ctx := errgroup.WithContext(ctx)
	chunks := make(chan chunk, 1)
	g.Go(func() error {
		defer close(chunks)
		f := fetcher{client: rs.client, admin: rs.admin, topic: rs.cluster.changelog, topicID: rs.cluster.changelogID, partition: rs.id}
		for at := from; at < to; {
			c, err := f.fetch(ctx, at)
			if err != nil {
				return err
			}
			if c.next == at && c.stable < to {
				return fmt.Errorf("it could be read up to offset %d and ends at %d now", to, c.stable)
			}
			at = c.next
			select {
			case chunks <- c:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	progress := rs.newProgress(to)
	g.Go(func() error {
		for c := range chunks {
			if err := rs.apply(c); err != nil {
				return err
			}
			progress.applied(len(c.records), c.next)
		}
		return nil
	})
	err := g.Wait()
	if err == nil {
		progress.done()
	}
	return err
}

// apply takes in a chunk. Deadlines are asked for once the newest value of a key
// is known: see index. The state stays as old as it was when the restore began: the
// deletion of what has been read may still lie ahead.
func (rs *restorer) apply(c chunk) error {
	for _, rec := range c.records {
		switch {
		case string(rec.Key) == string(schemas.MetaKey):
			rs.pos.Meta, rs.pos.MetaAt, rs.found = rec.Value, rec.Offset, true
		case rec.Value == nil:
			rs.store.Delete(rec.Key)
		default:
			rs.store.Put(rec.Key, rec.Value)
		}
	}
	rs.metrics.restored.Add(float64(len(c.records)))
	rs.pos.Changelog = max(rs.pos.Changelog, c.next)
	crashpoint("mid-restore")
	return rs.store.Commit(rs.pos)
}

// index returns the deadline of a restored value.
func (rs *restorer) index(key, value []byte) (at int64, ok bool, err error) {
	if at, ok, err = rs.handler.Deadline(key, value); err != nil {
		err = stopf("partition %d: %w", rs.id, err)
	}
	return at, ok, err
}

// finish checks the restored meta record. Entries of the deadline index up to
// its watermark are left over from values that have been replaced.
func (rs *restorer) finish() (err error) {
	if rs.meta, err = decodeMeta(rs.pos.Meta); err != nil || rs.meta == nil {
		return err
	}
	cfg := TaskConfig{Partition: rs.id, Partitions: rs.cluster.partitions}
	if err := checkMeta(cfg, rs.meta); err != nil {
		return &stopError{err: err, refuse: rs.meta.Partitions != rs.cluster.partitions}
	}
	rs.store.HandledDeadlines(store.Deadline{At: rs.meta.WatermarkMs, Key: string(rs.meta.WatermarkKey)})
	rs.pos.WrittenAt = time.Now().UnixMilli()
	return rs.store.Commit(rs.pos)
}
