package stream

import (
	"context"
	"testing"
)

// TestStoppedRecoveryIsNoTrouble has a runner stopped while it takes a partition over:
// that is given up by and by, and not suspended, which somebody would look into.
func TestStoppedRecoveryIsNoTrouble(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan struct{})
	close(done)
	p := &partition{state: Created, done: done, err: ctx.Err()}
	if err := new(runner).settle(ctx, p); err != nil || p.state != Created {
		t.Errorf("error %v, state %v", err, p.state)
	}
}
