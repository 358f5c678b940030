package notify

import (
	"context"
	"sync"
	"time"

	"unpark/clock"
)

// workers is what the stages of a Dispatcher share.
type workers struct {
	config  Config
	metrics *metrics
	rules   *rulebook
	clock   clock.Clock                                         // escalations are dated by it; waits are real time
	bury    func(b *book, e *entry, why *Error, done func())    // hands over what is given up
	forward func(t target, i item)                              // hands an entry to the outbox of a destination
	told    func(to string, e *entry, kind Kind, now time.Time) // sees everything that was told
	trouble func(destination string, e *entry, why *Error)      // sees every failed attempt
	stop    context.Context                                     // ends the goroutines
	wait    sync.WaitGroup
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
