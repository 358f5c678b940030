package notify

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// openAfter is how many failures in a row open the circuit.
	openAfter = 5
	// longestRest bounds what a destination may ask for, so that one answer cannot
	// silence it for a day.
	longestRest = time.Hour
)

// breaker says when a destination may be tried again. Failures, and the wait they
// ask for, belong to the destination and not to one message, so that a dead one is
// not hammered by everything that waits for it.
type breaker struct {
	backoff   *backoff.ExponentialBackOff
	notBefore time.Time
	failures  int       // in a row
	since     time.Time // of the first of them
	last      *Error
}

func newBreaker(c Config) breaker {
	return breaker{backoff: &backoff.ExponentialBackOff{
		InitialInterval: time.Duration(c.MinBackoff), MaxInterval: time.Duration(c.MaxBackoff),
		Multiplier: 2, RandomizationFactor: 0.5,
	}}
}

// open says whether so much has failed that people should know.
func (b *breaker) open() bool { return b.failures >= openAfter }

// answered: the destination is there.
func (b *breaker) answered() {
	b.backoff.Reset()
	b.notBefore, b.failures, b.since, b.last = time.Time{}, 0, time.Time{}, nil
}

func (b *breaker) failed(e *Error, now time.Time) {
	if b.failures == 0 {
		b.since = now
	}
	b.failures++
	b.last = e
	b.notBefore = now.Add(max(b.backoff.NextBackOff(), min(e.RetryAfter, longestRest)))
}
