package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/schemas"
)

// transaction is one transaction of a runner, over all partitions that had
// records in it.
type transaction struct {
	r       *runner
	touched map[int32]*partition
	failed  map[int32]error          // partitions that cannot go on
	last    map[int32]*kgo.Record    // last change of each partition; the client sets its offset
	sent    func(*kgo.Record, error) // produced
	err     atomic.Pointer[error]    // first error of producing
	before  map[int32]Stats          // as of the last commit
	start   time.Time
}

// transact applies the fetched records and those that follow within the commit
// interval, and commits what comes of them.
func (r *runner) transact(ctx context.Context, fetches kgo.Fetches) error {
	if err := r.session.Begin(); err != nil {
		return fmt.Errorf("begin: %w: %w", errRebuild, err)
	}
	crashpoint("after-begin")
	t := &transaction{
		r: r, start: time.Now(),
		touched: make(map[int32]*partition),
		failed:  make(map[int32]error),
		last:    make(map[int32]*kgo.Record),
		before:  make(map[int32]Stats),
	}
	t.sent = t.produced
	if err := t.gather(ctx, fetches); err != nil {
		return err
	}
	ctx, cancel := endContext(ctx)
	defer cancel()
	if len(t.failed) == 0 {
		t.produce(ctx)
	}
	return t.end(ctx)
}

// behindFactor is how much larger transactions may be while there is a backlog:
// what they cost besides their records is paid less often then, and nobody waits
// for the first of them.
const behindFactor = 4

// room returns how many records a transaction takes and how long it gathers them.
func (r *runner) room() (records int, interval time.Duration) {
	records, interval = r.cfg.MaxRecords, r.cfg.CommitInterval
	behind := int64(0)
	for _, p := range r.partitions {
		if p.state == Running {
			behind += max(0, p.end-p.task.Position())
		}
	}
	if behind > int64(behindFactor*records) {
		return behindFactor * records, max(interval, min(behindFactor*interval, transactionTimeout/4))
	}
	return records, interval
}

// endContext bounds the end of a transaction. A stop does not tear it: what is begun
// is ended, but within the time that a stop may take; should that not do, recovery
// finds out what became of it.
func endContext(ctx context.Context) (context.Context, context.CancelFunc) {
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	stop := context.AfterFunc(ctx, func() {
		pause(end, stopTimeout)
		cancel()
	})
	return end, func() { stop(); cancel() }
}

// gather applies records until there are enough or the interval is over. Ticks do not
// wait for the transaction's end: what is due is told at the tick's own time, and what
// a tick has told is not kept until more has been gathered.
func (t *transaction) gather(ctx context.Context, fetches kgo.Fetches) error {
	for n := 0; ; {
		if n += t.apply(fetches); len(t.failed) > 0 {
			return nil
		}
		t.r.tickAll()
		most, interval := t.r.room()
		left := interval - time.Since(t.start)
		if n >= most || left <= 0 || ctx.Err() != nil || t.told() {
			return nil
		}
		fetches = t.pollMore(ctx, min(left, t.r.pollWait()), min(most-n, t.r.cfg.MaxRecords))
		if err := t.r.checkFetches(fetches); err != nil {
			return err
		}
	}
}

// told reports whether a tick of just now has handled something due: somebody waits.
func (t *transaction) told() bool {
	now := t.r.cfg.Clock.Now()
	for id, p := range t.touched {
		if p.task.Stats().Fired > t.before[id].Fired && now.Sub(time.UnixMilli(p.task.Now())) < t.r.cfg.TickInterval {
			return true
		}
	}
	return false
}

// pollMore leaves wake-ups to the loop's own poll, which sees to them.
func (t *transaction) pollMore(ctx context.Context, wait time.Duration, limit int) kgo.Fetches {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return t.r.session.PollRecords(ctx, limit)
}

func (t *transaction) apply(fetches kgo.Fetches) int {
	n := 0
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		n += len(f.Records)
		p := t.r.partitions[f.Partition]
		if p == nil || p.state != Running || f.Topic != t.r.cluster.input {
			return
		}
		p.end = max(p.end, f.HighWatermark)
		if len(f.Records) > 0 && len(t.failed) == 0 { // or all of it is aborted
			t.applyTo(p, f.Records)
		}
	})
	return n
}

func (t *transaction) applyTo(p *partition, records []*kgo.Record) {
	if t.touched[p.id] == nil {
		t.touched[p.id], t.before[p.id] = p, p.task.Stats()
	}
	for _, rec := range records {
		err := p.task.Apply(Record{Offset: rec.Offset, AppendTime: rec.Timestamp.UnixMilli(), Key: rec.Key, Value: rec.Value})
		if err != nil {
			t.failed[p.id] = err
			return
		}
	}
}

// partitions returns the touched partitions in order.
func (t *transaction) partitions() []*partition {
	var ps []*partition
	for _, id := range slices.Sorted(maps.Keys(t.touched)) {
		ps = append(ps, t.touched[id])
	}
	return ps
}

// produce sends the changes and outputs and waits for them.
func (t *transaction) produce(ctx context.Context) {
	for _, p := range t.partitions() {
		if t.failed[p.id] != nil {
			continue
		}
		changes, err := p.task.Flush()
		if err != nil {
			t.failed[p.id] = err
			continue
		}
		t.r.metrics.overlay.WithLabelValues(p.label).Set(float64(t.sendChanges(ctx, p, changes)))
		now := t.r.cfg.Clock.Now()
		for _, o := range p.task.Outputs() {
			t.send(ctx, outputRecord(t.r.cfg.Prefix, p.id, o), now)
		}
	}
	if err := t.r.session.Client().Flush(ctx); err != nil {
		t.fail(err)
	}
	crashpoint("after-flush")
}

// sendChanges sends the changes of a partition and returns their size.
func (t *transaction) sendChanges(ctx context.Context, p *partition, changes []Change) (size int) {
	now := t.r.cfg.Clock.Now()
	for _, c := range changes {
		rec := p.records.Next()
		rec.Topic, rec.Partition, rec.Key, rec.Value = t.r.cluster.changelog, p.id, c.Key, c.Value
		t.last[p.id] = rec
		t.send(ctx, rec, now)
		size += len(c.Key) + len(c.Value)
		crashpoint("mid-produce")
	}
	return size
}

// outputRecord returns the record of an output of a partition; the partition it goes
// to is the partitioner's to say.
func outputRecord(prefix string, partition int32, o Output) *kgo.Record {
	rec := &kgo.Record{Topic: o.Topic.Name(prefix), Partition: partition, Key: o.Key, Value: o.Value}
	for _, h := range o.Headers {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return rec
}

func (t *transaction) send(ctx context.Context, rec *kgo.Record, now time.Time) {
	rec.Timestamp = now
	t.r.session.Produce(ctx, rec, t.sent)
}

func (t *transaction) produced(rec *kgo.Record, err error) {
	if err != nil {
		t.fail(fmt.Errorf("produce to %s/%d: %w", rec.Topic, rec.Partition, err))
	}
}

func (t *transaction) fail(err error) { t.err.CompareAndSwap(nil, &err) }

func (t *transaction) produceErr() error {
	if p := t.err.Load(); p != nil {
		return *p
	}
	return nil
}

// end commits the transaction, or aborts it if anything has failed: the client
// by itself would commit the records that did arrive.
func (t *transaction) end(ctx context.Context) error {
	r, why := t.r, ""
	switch {
	case len(t.touched) == 0:
		why = abortNothing
	case len(t.failed) > 0:
		why = abortSuspend
	case t.produceErr() != nil:
		why = abortProduce
		r.log.Warn("transaction aborted", schemas.LogError, t.produceErr())
	}
	ctx = kgo.PreTxnCommitFnContext(ctx, t.commitPositions)
	committed, err := r.session.End(ctx, kgo.TransactionEndTry(why == ""))
	switch {
	case err != nil && isFenced(err):
		return r.fenced(err)
	case err != nil:
		r.metrics.aborts.WithLabelValues(abortError).Inc()
		r.metrics.transactions.WithLabelValues("unknown").Inc()
		return fmt.Errorf("end: %w: %w", errRebuild, err)
	case committed:
		return t.committed()
	case why == "":
		// Mostly a rebalance. But the client says the same after an answer that
		// leaves open whether the brokers have committed.
		t.aborted(abortRebalance)
		return errNotCommitted
	}
	t.aborted(why)
	if err := t.produceErr(); err != nil {
		return fmt.Errorf("%w: %w", errRebuild, err)
	}
	return nil
}

// commitPositions has the commit carry the position of every running partition,
// and nothing else: a commit without any offset would pass even if the group has
// expelled the member.
func (t *transaction) commitPositions(req *kmsg.TxnOffsetCommitRequest) error {
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = t.r.cluster.input, t.r.cluster.inputID
	for _, p := range t.r.running() {
		if t.touched[p.id] == nil && p.task.Moved() {
			continue // an offset that its state does not know would look like lost state
		}
		part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		part.Partition, part.Offset, part.Metadata = p.id, p.task.Position(), &req.MemberID
		topic.Partitions = append(topic.Partitions, part)
	}
	if len(topic.Partitions) == 0 {
		return errors.New("a transaction without positions")
	}
	req.Topics = []kmsg.TxnOffsetCommitRequestTopic{topic}
	return nil
}

func (t *transaction) committed() error {
	m := t.r.metrics
	t.r.progressed, t.r.tried = true, false
	crashpoint("after-commit")
	for _, p := range t.partitions() {
		if rec := t.last[p.id]; rec != nil {
			if err := p.task.Commit(rec.Offset + 1); err != nil {
				return err
			}
		}
		p.records.Reset()
		p.retry = nil
		m.count(t.before[p.id], p.task.Stats())
		t.r.alarm(p, t.before[p.id], p.task.Stats())
	}
	m.transactions.WithLabelValues("committed").Inc()
	m.commit.Observe(time.Since(t.start).Seconds())
	return nil
}

// aborted forgets what the transaction did; the client goes back to where the
// last commit stands. Partitions that cannot go on are suspended, so that the
// others can.
func (t *transaction) aborted(why string) {
	m := t.r.metrics
	m.transactions.WithLabelValues("aborted").Inc()
	m.aborts.WithLabelValues(why).Inc()
	for _, p := range t.partitions() {
		p.task.Abort()
		p.records = changeRecords() // the client may still have to do with the old ones
		if err := t.failed[p.id]; err != nil {
			t.r.suspend(p, err)
		}
	}
}
