package stream

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// lostAfter is how long, in wall time, an appended tick may take to come back.
// Another one does no harm.
const lostAfter = time.Minute

// alarmInterval is how often it is said that a partition's ticks are ignored.
const alarmInterval = time.Minute

// maxDueAtOnce bounds the due entries of one transaction, which may hold a tick of
// each of the runner's partitions: it has to end within its timeout, and events
// wait for it.
const maxDueAtOnce = 10_000

// maxDue is how many due entries the next tick may handle.
func (r *runner) maxDue() uint32 {
	return min(r.cfg.MaxDue, uint32(max(1, maxDueAtOnce/len(r.running()))))
}

// ticker remembers the newest tick that the runner appended to a partition.
type ticker struct {
	mu     *sync.Mutex
	last   *tickState
	at     time.Time // of the newest attempt, by the clock
	wallAt time.Time
}

// tickState is what became of a tick; the producer sets it.
type tickState struct {
	pending bool
	failed  bool
	offset  int64
}

func newTicker() ticker { return ticker{mu: new(sync.Mutex), last: new(tickState)} }

// tickIn returns how long, by the clock, until the partition's next tick; 0 or
// less: now. A tick follows only when the previous one has been processed.
func (r *runner) tickIn(p *partition) time.Duration {
	now := r.cfg.Clock.Now()
	tk := &p.ticker
	tk.mu.Lock()
	last := *tk.last
	tk.mu.Unlock()
	if tk.at.IsZero() {
		return 0
	}
	unprocessed := last.pending || !last.failed && last.offset >= p.task.Position()
	if unprocessed && time.Since(tk.wallAt) < lostAfter {
		return r.cfg.IdleTickInterval
	}
	if !last.failed && p.task.More() {
		return 0
	}
	next := tk.at.Add(r.cfg.IdleTickInterval)
	if at, ok, err := p.task.NextDue(); err == nil && ok {
		due := time.UnixMilli(at)
		if soonest := tk.at.Add(r.cfg.TickInterval); due.Before(soonest) {
			due = soonest
		}
		if due.Before(next) {
			next = due
		}
	}
	return next.Sub(now)
}

// tickAll appends a tick to every partition that needs one.
func (r *runner) tickAll() {
	for _, p := range r.running() {
		if r.tickIn(p) <= 0 {
			r.appendTick(p)
		}
	}
}

// pollWait is how long the loop may wait for records.
func (r *runner) pollWait() time.Duration {
	wait := maxPollWait
	for _, p := range r.running() {
		wait = min(wait, r.cfg.Clock.Wall(r.tickIn(p)))
	}
	return max(wait, minPollWait)
}

// appendTick appends a tick outside of the transaction: it is a fact whether or
// not the transaction commits.
func (r *runner) appendTick(p *partition) {
	now := r.cfg.Clock.Now()
	in := &schemas.InputRecord{Kind: &schemas.InputRecord_Tick{Tick: &schemas.Tick{
		ClockMs: now.UnixMilli(), MaxDue: r.maxDue(), Owner: r.name,
	}}}
	value, err := in.MarshalVT()
	if err != nil {
		r.log.Error("tick not encoded", schemas.LogError, err)
		return
	}
	tk, st := &p.ticker, &tickState{pending: true}
	tk.mu.Lock()
	tk.last, tk.at, tk.wallAt = st, now, time.Now()
	tk.mu.Unlock()
	mu, id := tk.mu, p.id
	rec := &kgo.Record{Topic: r.cluster.input, Partition: p.id, Value: value, Timestamp: now}
	ctx, cancel := context.WithTimeout(context.Background(), transactionTimeout)
	r.client.Produce(ctx, rec, func(rec *kgo.Record, err error) {
		cancel()
		mu.Lock()
		st.pending, st.failed, st.offset = false, err != nil, rec.Offset
		mu.Unlock()
		if err != nil {
			r.metrics.ticks.WithLabelValues("failed").Inc()
			r.log.Warn("tick not appended", schemas.LogPartition, id, schemas.LogError, err)
			return
		}
		r.metrics.ticks.WithLabelValues("appended").Inc()
	})
}

// alarm says that ticks are ignored: nothing falls due meanwhile, so silence would
// look like peace.
func (r *runner) alarm(p *partition, before, after Stats) {
	if after.IgnoredTicks == before.IgnoredTicks || time.Since(p.alarmed) < alarmInterval {
		return
	}
	p.alarmed = time.Now()
	r.log.Error("ticks are ignored, so nothing falls due: the clocks of brokers and processors are too far apart, set them right",
		schemas.LogPartition, p.id, schemas.LogAhead, (time.Duration(after.ClockOff) * time.Millisecond).Round(time.Second))
}
