package notify

import (
	"time"

	"unpark/schemas"
)

// failed is an attempt that did not succeed.
func (o *outbox) failed(i item, e *entry, kind Kind, why *Error) {
	now := time.Now()
	o.refused(why, now)
	o.trouble(o.target.name, e, why)
	if why.Permanent || o.outOfTime(e, now) {
		o.pop()
		o.giveUpKind(i, e, kind, why)
	}
	if !why.Permanent {
		o.giveUpMore(why, now)
	}
}

// giveUpMore gives up what else the destination has no time left for.
func (o *outbox) giveUpMore(why *Error, now time.Time) {
	for {
		i, ok := o.first()
		if !ok || !i.book.begin() {
			return
		}
		e := i.book.load(i.id)
		late := e != nil && o.outOfTime(e, now)
		if late {
			o.pop()
			if kind, more := due(e, o.can.Kinds); more {
				o.giveUpKind(i, e, kind, why)
			}
		}
		i.book.end()
		if !late {
			return
		}
	}
}

func (o *outbox) first() (item, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.items) == 0 {
		return item{}, false
	}
	return o.items[0], true
}

// refused counts a failure, of the destination unless it refuses this message
// alone.
func (o *outbox) refused(why *Error, now time.Time) {
	o.metrics.attempts.WithLabelValues(o.kind(), why.Reason).Inc()
	o.metrics.deadLetters.WithLabelValues(why.Reason) // there before the first of its own words
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.breaker.open()
	if why.Permanent {
		o.breaker.answered()
	} else {
		o.breaker.failed(why, now)
	}
	switch is := o.breaker.open(); {
	case is && !was:
		o.metrics.circuits.WithLabelValues(o.kind()).Inc()
	case was && !is:
		o.metrics.circuits.WithLabelValues(o.kind()).Dec()
	}
}

// outOfTime: the destination cannot be tried again within GiveUp of the time when
// there was something to tell.
func (o *outbox) outOfTime(e *entry, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	next := now
	if o.breaker.notBefore.After(now) {
		next = o.breaker.notBefore
	}
	wait := next.Sub(now) + o.clock.Now().Sub(e.Since.Time())
	return wait >= time.Duration(o.config.GiveUp)
}

// giveUpKind gives up an alert or its end; an answer or a reminder that cannot be
// shown does not end the alert.
func (o *outbox) giveUpKind(i item, e *entry, kind Kind, why *Error) {
	switch kind {
	case Acknowledge, Snooze, Remind:
		i.book.change(i.id, func(e *entry) bool {
			e.Notice = ""
			settle(e, o.can.Kinds)
			return true
		}, nil)
	default:
		o.giveUp(i, e, why)
	}
}

// giveUp makes a dead letter of an entry, and then a failed one.
func (o *outbox) giveUp(i item, e *entry, why *Error) {
	if !i.book.begin() {
		return
	}
	o.bury(i.book, e, why, func() {
		i.book.change(i.id, func(e *entry) bool {
			e.State, e.Reason = schemas.DeliveryFailed, why.Reason
			return true
		}, nil)
		i.book.end()
	})
}
