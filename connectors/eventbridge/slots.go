package eventbridge

import "context"

// slots bounds how much of a source is in flight: no slot, nothing is read. It is
// safe for concurrent use.
type slots chan struct{}

// take waits for a slot; false if ctx ends before there is one.
func (s slots) take(ctx context.Context) bool {
	select {
	case s <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s slots) give() { <-s }

// drain takes every slot, which is to wait until nothing is in flight, or until
// ctx ends.
func (s slots) drain(ctx context.Context) {
	for range cap(s) {
		if !s.take(ctx) {
			return
		}
	}
}
