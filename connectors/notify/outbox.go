package notify

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"unpark/schemas"
)

// outbox is what waits for one destination, in order: only where the entries are,
// for they lie on the shelf. A goroutine works it while there is something in it.
type outbox struct {
	*workers
	target   target
	notifier Notifier
	can      Capabilities
	limiter  *rate.Limiter
	wake     chan struct{}

	mu      sync.Mutex
	items   []item
	working bool
	breaker breaker
	hurried bool // once, by retire

	// Of the goroutine alone.
	storm storm
}

// item is an entry with something to tell.
type item struct {
	book *book
	id   entryID
}

func newOutbox(w *workers, t target, n Notifier) *outbox {
	o := &outbox{
		workers: w, target: t, notifier: n, can: n.Capabilities(),
		wake: make(chan struct{}, 1), breaker: newBreaker(w.config), limiter: rate.NewLimiter(rate.Inf, 1),
	}
	if every := t.destination.Every; every != nil {
		o.can.Every, o.can.Burst = time.Duration(*every), 1
	}
	if o.can.Every > 0 {
		o.limiter = rate.NewLimiter(rate.Every(o.can.Every), max(1, o.can.Burst))
	}
	o.metrics.circuits.WithLabelValues(o.kind()) // there before the first one opens
	return o
}

func (o *outbox) kind() string { return o.target.destination.Type() }

// push appends an entry.
func (o *outbox) push(i item) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.items = append(o.items, i)
	o.metrics.queued.WithLabelValues(o.kind()).Inc()
	if !o.working {
		o.working = true
		o.wait.Go(o.work)
	}
	o.alert()
}

// alert cuts a wait for more short.
func (o *outbox) alert() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) work() {
	for {
		i, pause, ok := o.head(time.Now())
		if !ok {
			return
		}
		switch {
		case pause > 0:
			if !o.pause(pause, i == nil) {
				return
			}
		case i == nil:
			o.tellDigest()
		default:
			if again := o.step(*i); again > 0 && !o.pause(again, false) {
				return
			}
		}
		if o.stop.Err() != nil {
			return
		}
	}
}

// head returns the entry to look at next and how long to wait before; no entry
// means the digest; false that there is nothing to do.
func (o *outbox) head(now time.Time) (*item, time.Duration, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if rest := o.breaker.notBefore.Sub(now); rest > 0 {
		return nil, rest, o.someWork()
	}
	if at, ok := o.storm.tellAt(); ok && (len(o.items) == 0 || !at.After(now)) {
		return nil, at.Sub(now), true
	}
	if !o.someWork() {
		return nil, 0, false
	}
	return &o.items[0], 0, true
}

// someWork ends the goroutine if there is none; the caller holds the lock.
func (o *outbox) someWork() bool {
	_, digest := o.storm.tellAt()
	o.working = len(o.items) > 0 || digest
	return o.working
}

// retire is its end; false if there is something to do, which rests no longer then: it
// may go elsewhere.
func (o *outbox) retire() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.working {
		if !o.hurried {
			o.hurried, o.breaker.notBefore = true, time.Time{}
			o.alert()
		}
		return false
	}
	if o.breaker.open() {
		o.metrics.circuits.WithLabelValues(o.kind()).Dec()
	}
	o.breaker.answered()
	return true
}

// pause waits; false if the notifier stops. A wait for more can be cut short.
func (o *outbox) pause(d time.Duration, forMore bool) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	wake := o.wake
	if !forMore {
		wake = nil
	}
	select {
	case <-t.C:
	case <-wake:
	case <-o.stop.Done():
		return false
	}
	return true
}

// pop removes the head.
func (o *outbox) pop() item {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := o.items[0]
	o.items[0] = item{}
	o.items = o.items[1:]
	o.metrics.queued.WithLabelValues(o.kind()).Dec()
	return i
}

// step does what is to be done about the head; it returns how long to wait before
// the next step.
func (o *outbox) step(i item) time.Duration {
	if !i.book.begin() {
		o.pop() // none of ours any more
		return 0
	}
	defer i.book.end()
	e := i.book.load(i.id)
	if e == nil {
		o.pop()
		return 0
	}
	if kind, more := due(e, allKinds); more && o.moved(e, i, kind) {
		o.pop()
		return 0
	}
	kind, more := due(e, o.can.Kinds)
	switch {
	case !more:
		o.pop()
		i.book.change(i.id, func(e *entry) bool { return o.idle(e) }, nil)
		return 0
	case i.book.past.hold(i.id, e):
		o.pop()
		return 0
	case o.gathered(i.book.ledger, e, kind):
		o.storm.gather(o.pop(), time.Now(), o.gap(e))
		return 0
	}
	return o.attempt(i, e, kind)
}

// idle sets the state of an entry that has nothing to tell.
func (o *outbox) idle(e *entry) bool {
	if e.State != schemas.DeliveryPending {
		return false
	}
	if _, more := due(e, o.can.Kinds); more {
		return false
	}
	settle(e, o.can.Kinds)
	return true
}

// moved hands an entry to another outbox if its destination is another one by
// now, which may tell other kinds.
func (o *outbox) moved(e *entry, i item, kind Kind) bool {
	t := o.rules.told(e)
	if t.problem != nil {
		o.giveUpKind(i, e, kind, t.problem)
		return true
	}
	if t.address == o.target.address {
		return false
	}
	o.forward(t, i)
	return true
}

// attempt tells the head once.
func (o *outbox) attempt(i item, e *entry, kind Kind) time.Duration {
	now := time.Now()
	if rest := o.rest(now); rest > 0 {
		return rest
	}
	m, err := o.compose(i.book, i.id, e, kind)
	if err != nil {
		o.pop()
		o.giveUp(i, e, Permanent(reasonUndecodable, err))
		return 0
	}
	ref, err := o.send(m)
	if err != nil && o.stop.Err() != nil {
		return 0 // cut off by us: no verdict, it is told again
	}
	if err != nil {
		o.failed(i, e, kind, asError(err))
		return 0
	}
	o.succeeded()
	o.pop()
	o.record(i, e, kind, ref)
	return 0
}

// rest is how long the destination's rate wants us to wait; with 0 the message
// has been counted.
func (o *outbox) rest(now time.Time) time.Duration {
	if o.limiter.AllowN(now, 1) {
		return 0
	}
	missing := 1 - o.limiter.TokensAt(now)
	return max(time.Millisecond, time.Duration(missing*float64(o.can.Every)))
}

func (o *outbox) send(m Message) (Reference, error) {
	ctx, cancel := context.WithTimeout(o.stop, time.Duration(o.config.AttemptTimeout))
	defer cancel()
	return o.notifier.Notify(ctx, m)
}

func (o *outbox) succeeded() {
	o.metrics.attempts.WithLabelValues(o.kind(), "ok").Inc()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.breaker.open() {
		o.metrics.circuits.WithLabelValues(o.kind()).Dec()
	}
	o.breaker.answered()
}

// record notes in the ledger what was told.
func (o *outbox) record(i item, told *entry, kind Kind, ref Reference) {
	now, wall := o.clock.Now(), time.Now()
	h := o.rules.habit(told, now)
	o.written(func(then func(error)) {
		i.book.change(i.id, func(e *entry) bool {
			if e.Digest != "" {
				ref = "" // the digest's stays
			}
			tell(e, kind, ref, o.target.address, h.repeat, now)
			return true
		}, then)
	})
	if kind == Alert {
		o.storm.note(wall)
	}
	o.told(o.kind(), told, kind, now)
}

// written writes and waits until the brokers have it, unless the destination knows
// again what it is told twice: so that a crash doubles one message at most.
func (o *outbox) written(write func(then func(error))) {
	if o.can.Idempotent {
		write(nil)
		return
	}
	done := make(chan struct{})
	write(func(error) { close(done) })
	select {
	case <-done:
	case <-o.stop.Done():
	}
}

// note says what people should know of the destination; empty: nothing.
func (o *outbox) note() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.breaker.open() {
		return ""
	}
	return fmt.Sprintf("circuit open: %s fails since %s (%s), %d wait", o.target.name,
		o.breaker.since.UTC().Format(time.RFC3339), o.breaker.last.Reason, len(o.items))
}
