package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"unpark/schemas"
)

// pendingTimeout is how long recovery waits for changelog transactions that the
// group's offset says are over: markers reach the topics one after the other.
const pendingTimeout = 3 * transactionTimeout

// stopError is why a partition cannot run, however often it is tried.
type stopError struct {
	err    error
	refuse bool // the process must not run at all
}

func (e *stopError) Error() string { return e.err.Error() }

func (e *stopError) Unwrap() error { return e.err }

func stopf(format string, args ...any) error { return &stopError{err: fmt.Errorf(format, args...)} }

// recoverPartition is the one way to a running partition, at the start, after an
// assignment, and whenever anything is in doubt: take the lease, bring the local
// state to the end of the changelog, and find where the input goes on. committed
// is the group's stable offset, below 0 if there is none.
func (r *runner) recoverPartition(ctx context.Context, p *partition, committed int64) (err error) {
	if p.release, err = r.leases.acquire(ctx, p.id); err != nil {
		return err
	}
	try := func() (struct{}, error) {
		err := r.tryRecover(ctx, p, committed)
		var stop *stopError
		if errors.As(err, &stop) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}
	_, err = backoff.Retry(ctx, try, backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, d time.Duration) {
		r.log.Warn("recovery failed, trying again", schemas.LogPartition, p.id, schemas.LogError, err, schemas.LogRetryAfter, d)
	}))
	return err
}

func (r *runner) tryRecover(ctx context.Context, p *partition, committed int64) (err error) {
	handler := r.newHandler(p.id)
	rs := r.newRestorer(p.id, handler)
	defer func() {
		if err != nil {
			err = errors.Join(err, rs.store.Close()) // the next try builds on what is restored
		}
	}()
	if err := rs.restore(ctx, false); err != nil {
		return err
	}
	if err := r.agree(ctx, rs, committed); err != nil {
		return err
	}
	task, err := NewTask(TaskConfig{
		Partition: p.id, Partitions: r.cluster.partitions, Topic: r.cluster.input, InputTopic: r.cluster.inputID,
		Store: rs.store, Handler: handler, MaxRecordBytes: r.cluster.maxRecordBytes(),
		ChangelogTopic: r.cluster.changelogID, Cluster: r.cluster.id,
	})
	if err != nil {
		return err
	}
	if err := r.place(ctx, p, task); err != nil {
		return err
	}
	p.task = task
	return nil
}

// agree compares the restored state with the group's offset. The group is ahead
// if the changelog is not at its end yet, or if it has lost something; what it is
// cannot be told before the transactions that are open on it have ended.
func (r *runner) agree(ctx context.Context, rs *restorer, committed int64) error {
	for deadline := time.Now().Add(r.patience); rs.position() < committed; pause(ctx, 20*time.Millisecond) {
		b, err := rs.bounds(ctx)
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if b.stable > rs.stable {
			if err := rs.restore(ctx, false); err != nil {
				return err
			}
			continue
		}
		if b.stable == b.end {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("partition %d: the group %s stands at input offset %d, and what belongs to it on the changelog %s lies behind a transaction that is open since offset %d: if the brokers have lost its end, see kafka-transactions.sh find-hanging",
				rs.id, r.cfg.Group, committed, r.cluster.changelog, b.stable)
		}
	}
	if rs.position() >= committed {
		return nil
	}
	r.log.Error("the group is ahead of the state, restoring in full", schemas.LogPartition, rs.id, schemas.LogOffset, committed)
	if err := rs.restore(ctx, true); err != nil {
		return err
	}
	if at := rs.position(); at < committed {
		return stopf("partition %d: the group %s stands at input offset %d and the changelog %s at %d: state was lost, so the partition stays stopped; give the processor a new group and prefix and replay, or restore the changelog",
			rs.id, r.cfg.Group, committed, r.cluster.changelog, max(at, 0))
	}
	return nil
}

// place sets where the input goes on: where the state stands, or at the start of
// the input if there is no state.
func (r *runner) place(ctx context.Context, p *partition, task *Task) error {
	start, end, err := r.inputBounds(ctx, p.id)
	if err != nil {
		return err
	}
	p.end = end
	at := task.Position()
	switch {
	case task.Sequence() == 0:
		task.SetPosition(start)
	case len(task.MadeFrom()) > 0 && !bytes.Equal(task.MadeFrom(), r.cluster.inputID[:]):
		return stopf("partition %d: its state was made of another topic %s than this one, which was made anew: use a new prefix", p.id, r.cluster.input)
	case at > end: // the broker may have lost what it had not written to disk
		return stopf("partition %d: its state stands at input offset %d and the input ends at %d: was topic %s made anew? use a new prefix", p.id, at, end, r.cluster.input)
	case at < start:
		r.metrics.lost.Add(float64(start - at))
		r.log.Error("input was deleted before it was read", schemas.LogPartition, p.id, schemas.LogOffset, at, schemas.LogCount, start-at)
		task.SetPosition(start)
	}
	return nil
}

func (r *runner) inputBounds(ctx context.Context, id int32) (start, end int64, err error) {
	starts, err := r.admin.ListStartOffsets(ctx, r.cluster.input)
	if err != nil {
		return 0, 0, err
	}
	ends, err := r.admin.ListEndOffsets(ctx, r.cluster.input)
	if err != nil {
		return 0, 0, err
	}
	if start, err = listed(starts, r.cluster.input, id); err != nil {
		return 0, 0, err
	}
	end, err = listed(ends, r.cluster.input, id)
	return start, end, err
}
