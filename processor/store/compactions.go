package store

import (
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// compactions has Pebble merge its tables in one compaction at a time, and none before
// begin. Pebble's own scheduler starts one while the database is being opened, and
// Open then waits for it, which may take seconds after a crash.
//
// It grants nothing when it is asked; a goroutine does so a moment later, when
// nothing runs. Pebble calls it with its locks held, so it only leaves word here.
type compactions struct {
	*pebble.ConcurrencyLimitScheduler // measures nothing, and nothing else of it is used

	db      pebble.DBForCompaction
	running atomic.Bool
	wanted  chan struct{} // one may be, or one has ended
	allowed chan struct{}
	closing chan struct{}
	closed  chan struct{}
}

func newCompactions() *compactions {
	return &compactions{
		wanted: make(chan struct{}, 1), allowed: make(chan struct{}), closing: make(chan struct{}), closed: make(chan struct{}),
	}
}

// begin lets compactions run from now on.
func (c *compactions) begin() { close(c.allowed) }

// Register implements pebble.CompactionScheduler.
func (c *compactions) Register(_ int, db pebble.DBForCompaction) {
	c.db = db
	go c.grant()
}

// Unregister implements pebble.CompactionScheduler.
func (c *compactions) Unregister() {
	close(c.closing)
	<-c.closed
}

// TrySchedule implements pebble.CompactionScheduler.
func (c *compactions) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	c.want()
	return false, nil
}

// UpdateGetAllowedWithoutPermission implements pebble.CompactionScheduler.
func (c *compactions) UpdateGetAllowedWithoutPermission() { c.want() }

// Done implements pebble.CompactionGrantHandle.
func (c *compactions) Done() {
	c.running.Store(false)
	c.want()
}

func (c *compactions) want() {
	select {
	case c.wanted <- struct{}{}:
	default:
	}
}

// grant starts compactions until the database is closed.
func (c *compactions) grant() {
	defer close(c.closed)
	select {
	case <-c.allowed:
	case <-c.closing:
		return
	}
	for {
		select {
		case <-c.wanted:
		case <-c.closing:
			return
		}
		if c.running.CompareAndSwap(false, true) && !c.db.Schedule(c) {
			c.running.Store(false)
		}
	}
}
