package simulator

import (
	"context"
	"time"

	"unpark/clock"
)

// breath is the longest that Run waits, in wall time: an action through the API
// may bring forward what happens next.
const breath = 100 * time.Millisecond

// Run hands envelopes to sink when their time on clk has come, until ctx ends,
// which is no error, or sink returns one.
func (o *Org) Run(ctx context.Context, clk clock.Clock, sink func([]Delivered) error) error {
	for ctx.Err() == nil {
		if due := o.Deliver(clk.Now()); len(due) > 0 {
			if err := sink(due); err != nil {
				return err
			}
		}
		wait := breath
		if next, ok := o.Next(); ok {
			wait = min(wait, max(0, clk.Wall(next.Sub(clk.Now()))))
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return nil
}
