package notify

import (
	"context"
	"sync"
)

// gate lets work begin until it is closed, and tells when the last has ended.
type gate struct {
	mu      sync.Mutex
	closed  bool
	running int
	idle    chan struct{}
}

func newGate() *gate { return &gate{idle: make(chan struct{})} }

// begin announces work; false means that the gate is closed.
func (g *gate) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.running++
	return true
}

// isClosed says whether the gate is closed.
func (g *gate) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// end is the end of what begin announced.
func (g *gate) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running--; g.closed && g.running == 0 {
		close(g.idle)
	}
}

// close lets nothing further begin.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	if g.closed = true; g.running == 0 {
		close(g.idle)
	}
}

// drain waits until nothing runs behind a closed gate.
func (g *gate) drain(ctx context.Context) {
	select {
	case <-g.idle:
	case <-ctx.Done():
	}
}
