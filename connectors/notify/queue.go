package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// queue holds what waits for one destination, in order. A goroutine works it
// while there is something in it; failures, and the wait they ask for, belong to
// the destination and not to one delivery, so a dead one is not hammered by
// everything that waits for it.
type queue struct {
	*workers
	kind   string // metric label
	sender sender

	mu           sync.Mutex
	items        []*delivery
	working      bool
	backoff      *backoff.ExponentialBackOff
	notBefore    time.Time // when it may be tried again
	failingSince time.Time // zero: its last answer was good, or it had no work
	lastErr      *Error
}

// workers is what the queues of a Dispatcher share.
type workers struct {
	config  Config
	metrics *metrics
	bury    func(d *delivery, err *Error) // hands a delivery to the dead letters
	told    func(d *delivery)             // sees every delivery that was taken
	failed  func(d *delivery, err *Error) // sees every failed attempt
	stop    context.Context               // ends the goroutines
	wait    sync.WaitGroup
}

func newQueue(w *workers, kind string, s sender) *queue {
	return &queue{workers: w, kind: kind, sender: s, backoff: &backoff.ExponentialBackOff{
		InitialInterval: time.Duration(w.config.MinBackoff), MaxInterval: time.Duration(w.config.MaxBackoff),
		Multiplier: 2, RandomizationFactor: 0.5,
	}}
}

// push appends a delivery.
func (q *queue) push(d *delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, d)
	q.metrics.queued.WithLabelValues(q.kind).Inc()
	if !q.working {
		q.working, q.failingSince = true, time.Time{}
		q.wait.Go(q.work)
	}
}

func (q *queue) work() {
	for {
		d, pause := q.head(time.Now())
		switch {
		case d == nil:
			return
		case pause > 0:
			if !sleep(q.stop, pause) {
				return
			}
		default:
			if !q.attempt(d) {
				return
			}
		}
	}
}

// head returns the delivery to try next and how long to wait before; nil when
// there is none. On the way it drops what is not ours any more and gives up what
// the destination has no time left for.
func (q *queue) head(now time.Time) (*delivery, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) > 0 {
		d := q.items[0]
		switch {
		case d.flight.dropped():
			q.pop()
		case q.expired(d, now):
			q.pop()
			q.bury(d, q.gaveUp(d, now))
		default:
			return d, q.notBefore.Sub(now)
		}
	}
	q.working = false
	return nil, 0
}

// expired: a failing destination will not take d within GiveUp of its reading.
// One that answers may be as late as it is.
func (q *queue) expired(d *delivery, now time.Time) bool {
	if q.failingSince.IsZero() {
		return false
	}
	next := now
	if q.notBefore.After(now) {
		next = q.notBefore
	}
	return next.Sub(d.flight.readAt) >= time.Duration(q.config.GiveUp)
}

func (q *queue) gaveUp(d *delivery, now time.Time) *Error {
	return &Error{Reason: q.lastErr.Reason, Err: fmt.Errorf("given up after %d attempts in %s: %w",
		d.attempts, now.Sub(d.flight.readAt).Round(time.Second), q.lastErr.Err)}
}

// pop removes the head; the caller holds the lock.
func (q *queue) pop() {
	q.items[0] = nil
	q.items = q.items[1:]
	q.metrics.queued.WithLabelValues(q.kind).Dec()
}

// attempt tries d once; false means that the notifier is stopping.
func (q *queue) attempt(d *delivery) bool {
	if !d.flight.begin() {
		return true // head drops it
	}
	defer d.flight.end()
	ctx, cancel := context.WithTimeout(q.stop, time.Duration(q.config.AttemptTimeout))
	defer cancel()
	err := q.sender.send(ctx, d)
	if err != nil && q.stop.Err() != nil {
		return false // cut off by us: no verdict, it is sent again
	}
	d.attempts++
	if err == nil {
		q.succeed(d)
	} else {
		q.fail(d, asError(err), time.Now())
	}
	return true
}

func (q *queue) succeed(d *delivery) {
	q.metrics.attempts.WithLabelValues(q.kind, "ok").Inc()
	q.mu.Lock()
	q.answered()
	q.pop()
	q.mu.Unlock()
	q.told(d)
	d.flight.settle()
}

// answered: the destination is there; the caller holds the lock.
func (q *queue) answered() {
	q.backoff.Reset()
	q.notBefore, q.failingSince, q.lastErr = time.Time{}, time.Time{}, nil
}

func (q *queue) fail(d *delivery, e *Error, now time.Time) {
	q.metrics.attempts.WithLabelValues(q.kind, e.Reason).Inc()
	q.failed(d, e)
	q.mu.Lock()
	defer q.mu.Unlock()
	if e.Permanent {
		q.answered() // it refuses this message, the next one may be to its liking
		q.pop()
		q.bury(d, e)
		return
	}
	if q.failingSince.IsZero() {
		q.failingSince = now
	}
	q.lastErr = e
	q.notBefore = now.Add(q.pause(e))
	if d.attempts >= q.config.MaxAttempts {
		q.pop()
		q.bury(d, q.gaveUp(d, now))
	}
}

// pause is how long the destination is left alone: as long as it asked for, but
// no longer than we would keep trying, or one answer could silence it for a day.
func (q *queue) pause(e *Error) time.Duration {
	own := q.backoff.NextBackOff()
	return max(own, min(e.RetryAfter, time.Duration(q.config.GiveUp)))
}

// trim gives up what waits beyond the bound for a destination that is stalled, so
// that it cannot fill the windows of partitions that others need too.
func (q *queue) trim(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	bound := q.config.QueueBound
	if len(q.items) <= bound || !q.stalled(now) {
		return
	}
	for _, d := range q.items[bound:] {
		q.bury(d, Permanent(reasonQueueFull, errors.New("too many wait for a destination that is stalled")))
		q.metrics.queued.WithLabelValues(q.kind).Dec()
	}
	clear(q.items[bound:])
	q.items = q.items[:bound]
}

// stalled: failing for longer than Patience, or alive and more than GiveUp behind.
// A burst for a destination that keeps up is neither.
func (q *queue) stalled(now time.Time) bool {
	failing := !q.failingSince.IsZero() && now.Sub(q.failingSince) > time.Duration(q.config.Patience)
	return failing || now.Sub(q.items[0].flight.readAt) > time.Duration(q.config.GiveUp)
}

// sleep waits for d; false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
