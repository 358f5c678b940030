package notify

import (
	"context"
	"sync"
	"time"
)

// queue holds the escalations of one org that are to be routed, in order, so that
// one org's trouble is its own. A goroutine works it while there is something in
// it.
type queue struct {
	*workers
	route  func(ctx context.Context, f *flight) error
	refuse func(f *flight, e *Error)

	mu      sync.Mutex
	items   []*flight
	working bool
	breaker breaker // of the goroutine alone
}

func newQueue(w *workers, route func(context.Context, *flight) error, refuse func(*flight, *Error)) *queue {
	return &queue{workers: w, route: route, refuse: refuse, breaker: newBreaker(w.config)}
}

func (q *queue) push(f *flight) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, f)
	q.metrics.queued.WithLabelValues(kindRouting).Inc()
	if !q.working {
		q.working = true
		q.wait.Go(q.work)
	}
}

func (q *queue) work() {
	for f := q.head(); f != nil; f = q.head() {
		if rest := time.Until(q.breaker.notBefore); rest > 0 && !sleep(q.stop, rest) {
			return
		}
		if !f.w.begin() {
			q.pop() // the partition is none of ours any more
			continue
		}
		q.attempt(f)
		f.w.end()
		if q.stop.Err() != nil {
			return
		}
	}
}

func (q *queue) attempt(f *flight) {
	ctx, cancel := context.WithTimeout(q.stop, time.Duration(q.config.AttemptTimeout))
	defer cancel()
	err := q.route(ctx, f)
	if err != nil && q.stop.Err() != nil {
		return // cut off by us: it is routed again
	}
	if err == nil {
		q.breaker.answered()
		q.pop()
		f.settle()
		return
	}
	why := asError(err)
	if !why.Permanent {
		q.breaker.failed(why, time.Now())
	}
	if why.Permanent || time.Until(f.readAt.Add(time.Duration(q.config.GiveUp))) <= 0 {
		q.pop()
		q.refuse(f, why)
	}
}

// head returns the first; nil ends the goroutine.
func (q *queue) head() *flight {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.working = len(q.items) > 0; !q.working {
		return nil
	}
	return q.items[0]
}

func (q *queue) pop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items[0] = nil
	q.items = q.items[1:]
	q.metrics.queued.WithLabelValues(kindRouting).Dec()
}
