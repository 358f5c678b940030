package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/internal/slab"
	"unpark/schemas"
)

// The due backlog is counted once in a while, and not beyond what is worth it.
const (
	backlogInterval = 10 * time.Second
	maxBacklog      = 10_000
)

// partition is one partition that the runner owns. A goroutine recovers it; once
// done is closed it belongs to the runner's loop.
type partition struct {
	id    int32
	label string // id, of metrics
	state State
	err   error // why it is suspended
	// retry is the pause before a partition that waits for something is tried again,
	// until retryAt; nil if it waits for nothing.
	retry   *backoff.ExponentialBackOff
	retryAt time.Time
	task    *Task
	end     int64 // of the input, as last seen
	ticker  ticker
	// records is the memory of what a transaction sends to the changelog.
	records slab.Slab[kgo.Record]

	counted time.Time // when the due backlog was counted
	alarmed time.Time // when it was said that ticks are ignored

	cancel  context.CancelFunc
	done    chan struct{}
	release func() // gives the lease back
}

// changeRecords returns memory of which a transaction's worth is kept.
func changeRecords() slab.Slab[kgo.Record] { return slab.Slab[kgo.Record]{Keep: 1 << 20} }

// assigned is called by the client with the group's offsets of new partitions,
// before it fetches from them. They are paused until they are recovered. It
// runs beside the loop.
func (r *runner) assigned(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	topic := offsets[r.cluster.input]
	r.session.Client().PauseFetchPartitions(map[string][]int32{r.cluster.input: slices.Collect(maps.Keys(topic))})
	start := make(map[int32]kgo.Offset, len(topic))
	for id, o := range topic {
		at := max(o.EpochOffset().Offset, -1)
		r.fresh[id] = at
		// SetOffsets only knows partitions that stand somewhere.
		start[id] = kgo.NewOffset().At(max(at, 0))
	}
	defer r.wake.signal()
	return map[string]map[int32]kgo.Offset{r.cluster.input: start}, nil
}

// given is called by the client with what the group has given to the runner, all of it,
// before it asks for the offsets of new partitions. What was assigned earlier and is not
// among it has been taken away before it was taken up: nobody may have said so, since
// the session leaves callbacks out. It runs beside the loop.
func (r *runner) given(partitions []int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.share = append([]int32{}, partitions...)
	slices.Sort(r.share)
	maps.DeleteFunc(r.fresh, func(id int32, _ int64) bool { return !slices.Contains(partitions, id) })
}

// revoked notes that the session has something to forget, and wakes the loop, which
// compares ownership itself.
func (r *runner) revoked(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revocation = r.revocation || len(lost) > 0
	r.wake.signal()
}

// lost notes that the group has given the runner up, or cannot be reached.
func (r *runner) lost(context.Context, *kgo.Client, map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.share, r.revocation = nil, true
	r.wake.signal()
}

// reconcile takes up and drops partitions until they are those the group has
// given to the runner. The group must not change meanwhile.
func (r *runner) reconcile(ctx context.Context) error {
	owned := r.session.Client().CommittedOffsets()[r.cluster.input]
	fresh := r.takeFresh(owned)
	for _, id := range slices.Sorted(maps.Keys(r.partitions)) {
		_, stays := owned[id]
		// One that came back may have been worked by somebody else meanwhile.
		if _, again := fresh[id]; !stays || again {
			r.drop(id)
		}
	}
	if err := r.clearRevocation(ctx); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(fresh)) {
		if id >= r.cluster.partitions {
			return fmt.Errorf("topic %s has grown beyond %d partitions, so conversations have moved away from their state: use a new topic prefix and replay", r.cluster.input, r.cluster.partitions)
		}
		r.take(ctx, id, fresh[id])
	}
	for _, p := range r.partitions {
		if err := r.settle(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// clearRevocation has the session go on without what it has lost: it would abort the
// first transaction after a revocation, though none was open then, and every
// partition that stays would go through recovery. Only the end of a transaction lets
// it forget that, so an empty one is begun and aborted; the brokers do not hear of it.
func (r *runner) clearRevocation(ctx context.Context) error {
	r.mu.Lock()
	revocation := r.revocation
	r.revocation = false
	r.mu.Unlock()
	if !revocation {
		return nil
	}
	if err := r.session.Begin(); err != nil {
		return fmt.Errorf("begin: %w: %w", errRebuild, err)
	}
	ctx, cancel := endContext(ctx)
	defer cancel()
	if _, err := r.session.End(ctx, kgo.TryAbort); isFenced(err) {
		return r.fenced(err)
	} else if err != nil {
		return fmt.Errorf("end: %w: %w", errRebuild, err)
	}
	return nil
}

// takeFresh returns the new partitions that the client has begun to consume.
func (r *runner) takeFresh(owned map[int32]kgo.EpochOffset) map[int32]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := make(map[int32]int64)
	for id, offset := range r.fresh {
		if _, ok := owned[id]; ok {
			taken[id] = offset
			delete(r.fresh, id)
			r.status[id] = status{state: Created}
		}
	}
	return taken
}

// take starts the recovery of a partition. committed is the group's offset.
func (r *runner) take(ctx context.Context, id int32, committed int64) {
	ctx, cancel := context.WithCancel(ctx)
	p := &partition{id: id, label: label(id), state: Created, cancel: cancel, done: make(chan struct{}), ticker: newTicker(), records: changeRecords()}
	r.partitions[id] = p
	r.log.Info("partition taken", schemas.LogPartition, id, schemas.LogOffset, committed)
	go func() {
		defer r.wake.signal()
		defer close(p.done)
		p.err = r.recoverPartition(ctx, p, committed)
	}()
}

// settle takes a partition over from its recovery, if that has ended. One that was
// stopped with the runner is not in trouble.
func (r *runner) settle(ctx context.Context, p *partition) error {
	if p.state != Created {
		return nil
	}
	select {
	case <-p.done:
	default:
		return nil
	}
	var stop *stopError
	switch {
	case p.err == nil:
		r.start(p)
	case errors.As(p.err, &stop) && stop.refuse:
		return p.err
	case ctx.Err() != nil:
	default:
		r.suspend(p, p.err)
	}
	return nil
}

func (r *runner) start(p *partition) {
	cl := r.session.Client()
	cl.SetOffsets(map[string]map[int32]kgo.EpochOffset{r.cluster.input: {p.id: {Epoch: -1, Offset: p.task.Position()}}})
	cl.ResumeFetchPartitions(map[string][]int32{r.cluster.input: {p.id}})
	p.state = Running
	r.metrics.suspended.WithLabelValues(p.label).Set(0)
	r.log.Info("partition running", schemas.LogPartition, p.id, schemas.LogOffset, p.task.Position(), schemas.LogNow, schemas.Instant(p.task.Now()).String())
}

// suspend keeps the partition and stops working it, for a while if what it waits for
// may come by itself.
func (r *runner) suspend(p *partition, err error) {
	r.session.Client().PauseFetchPartitions(map[string][]int32{r.cluster.input: {p.id}})
	p.state, p.err = Suspended, err
	r.metrics.suspended.WithLabelValues(p.label).Set(1)
	unavailable := IsUnavailable(err)
	if p.task != nil {
		err = errors.Join(err, p.task.Rest())
	}
	if !unavailable {
		p.retry = nil
		r.log.Error("partition suspended", schemas.LogPartition, p.id, schemas.LogError, err)
		return
	}
	if p.retry == nil {
		p.retry = backoff.NewExponentialBackOff()
		p.retry.MaxInterval = maxRebuildWait
	}
	wait := p.retry.NextBackOff()
	p.retryAt = time.Now().Add(wait)
	r.log.Warn("partition suspended for a while", schemas.LogPartition, p.id, schemas.LogError, err, schemas.LogRetryAfter, wait)
}

// resume works on one that has waited long enough, from its last commit.
func (r *runner) resume() {
	if p := nextToTry(r.partitions, r.tried, time.Now()); p != nil {
		r.tried = true
		r.start(p)
	}
}

// nextToTry returns the partition that is to be tried again, nil if none is. tried:
// one has been since the last commit. A transaction fails as a whole, so whoever does
// not wait commits before the next is tried.
func nextToTry(partitions map[int32]*partition, tried bool, now time.Time) (next *partition) {
	for _, p := range partitions {
		switch {
		case p.retry == nil && p.state == Running && tried:
			return nil
		case p.retry == nil || p.state != Suspended || now.Before(p.retryAt):
		case next == nil || p.retryAt.Before(next.retryAt):
			next = p
		}
	}
	return next
}

// drop gives a partition up. What the session has not committed is forgotten.
func (r *runner) drop(id int32) {
	p := r.partitions[id]
	p.cancel()
	<-p.done
	if p.task != nil {
		p.task.Abort()
	}
	r.closing.Go(func() { r.handOver(p) })
	p.state = Closed
	delete(r.partitions, id)
	r.metrics.forget(id)
	r.log.Info("partition given up", schemas.LogPartition, id)
}

// handOver brings what is committed to disk, beside the loop, and gives the lease
// back. If that fails the next owner reads it again from the changelog.
func (r *runner) handOver(p *partition) {
	if p.task != nil {
		if err := p.task.Close(); err != nil {
			r.log.Warn("partition not written to disk", schemas.LogPartition, p.id, schemas.LogError, err)
		}
	}
	if p.release != nil {
		p.release()
	}
}

// running returns the running partitions in order.
func (r *runner) running() []*partition {
	var ps []*partition
	for _, id := range slices.Sorted(maps.Keys(r.partitions)) {
		if p := r.partitions[id]; p.state == Running {
			ps = append(ps, p)
		}
	}
	return ps
}

// status is what others may know of a partition.
type status struct {
	state State
	lag   int64
	err   error
}

// publish tells Ready and the metrics how the partitions are.
func (r *runner) publish() {
	all := make(map[int32]status, len(r.partitions))
	for id, p := range r.partitions {
		st := status{state: p.state}
		if p.state == Suspended {
			st.err = p.err
		}
		// One that is suspended is more and more behind, and what it has is overdue; its
		// lag stays, since nothing of it is read.
		if p.state != Created && p.task != nil {
			st.lag = max(0, p.end-p.task.Position())
			r.gauges(p, st.lag)
		}
		all[id] = st
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = all
}

func (r *runner) gauges(p *partition, lag int64) {
	label, now := p.label, r.cfg.Clock.Now().UnixMilli()
	r.metrics.lag.WithLabelValues(label).Set(float64(lag))
	if p.task.Now() > 0 {
		r.metrics.behind.WithLabelValues(label).Set(float64(now-p.task.Now()) / 1000)
	}
	overdue := int64(0)
	if at, ok, err := p.task.NextDue(); ok && err == nil {
		overdue = max(0, now-at)
	}
	r.metrics.overdue.WithLabelValues(label).Set(float64(overdue) / 1000)
	if time.Since(p.counted) >= backlogInterval {
		p.counted = time.Now()
		if n, err := p.task.Backlog(now, maxBacklog); err == nil {
			r.metrics.backlog.WithLabelValues(label).Set(float64(n))
		}
	}
}

// ready says what keeps the runner from being ready.
func (r *runner) ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.share == nil {
		return fmt.Errorf("runner %s is joining the group", r.name)
	}
	var errs []error
	for _, id := range r.share {
		st, taken := r.status[id]
		_, fresh := r.fresh[id]
		switch {
		case !taken && !fresh:
			errs = append(errs, fmt.Errorf("partition %d waits for its offset of the group, which keeps it back while a transaction is open on it", id))
		case fresh:
			errs = append(errs, fmt.Errorf("partition %d is being taken up", id))
		case st.err != nil:
			errs = append(errs, fmt.Errorf("partition %d is %s: %w", id, st.state, st.err))
		case st.state != Running:
			errs = append(errs, fmt.Errorf("partition %d is being restored", id))
		case st.lag > r.cfg.MaxLag:
			errs = append(errs, fmt.Errorf("partition %d is %d records behind", id, st.lag))
		}
	}
	return errors.Join(errs...)
}
