// Package compactions decides when a Pebble database merges its tables: not while it
// is being opened, so that a process that starts after a crash does not wait for it.
//
// Reads: nothing.
// Writes: nothing.
package compactions

import (
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// Scheduler has a database run one compaction at a time, as Pebble's own does unless
// told otherwise, and none before Begin but such that only delete, which are cheap and
// not asked for. Pebble's starts one while the database is
// being opened, and Open then waits for it, which may take seconds.
//
// It grants nothing when it is asked; a goroutine does so a moment later, when
// nothing runs. Pebble calls it with its locks held, so it only leaves word here.
// It serves one database, as pebble.Options.Experimental.CompactionScheduler.
type Scheduler struct {
	db      pebble.DBForCompaction
	running atomic.Bool
	wanted  chan struct{} // one may be, or one has ended
	allowed chan struct{}
	closing chan struct{}
	closed  chan struct{}
}

// New returns one.
func New() *Scheduler {
	return &Scheduler{
		wanted: make(chan struct{}, 1), allowed: make(chan struct{}), closing: make(chan struct{}), closed: make(chan struct{}),
	}
}

// Begin lets compactions run from now on. It is called once, when the database is open.
func (s *Scheduler) Begin() { close(s.allowed) }

// Register implements pebble.CompactionScheduler.
func (s *Scheduler) Register(_ int, db pebble.DBForCompaction) {
	s.db = db
	go s.grant()
}

// Unregister implements pebble.CompactionScheduler.
func (s *Scheduler) Unregister() {
	close(s.closing)
	<-s.closed
}

// TrySchedule implements pebble.CompactionScheduler.
func (s *Scheduler) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	s.want()
	return false, nil
}

// UpdateGetAllowedWithoutPermission implements pebble.CompactionScheduler.
func (s *Scheduler) UpdateGetAllowedWithoutPermission() { s.want() }

// Done implements pebble.CompactionGrantHandle.
func (s *Scheduler) Done() {
	s.running.Store(false)
	s.want()
}

// Started implements pebble.CompactionGrantHandle.
func (s *Scheduler) Started() {}

// MeasureCPU implements pebble.CompactionGrantHandle.
func (s *Scheduler) MeasureCPU(pebble.CompactionGoroutineKind) {}

// CumulativeStats implements pebble.CompactionGrantHandle.
func (s *Scheduler) CumulativeStats(pebble.CompactionGrantHandleStats) {}

func (s *Scheduler) want() {
	select {
	case s.wanted <- struct{}{}:
	default:
	}
}

// grant starts compactions until the database is closed.
func (s *Scheduler) grant() {
	defer close(s.closed)
	select {
	case <-s.allowed:
	case <-s.closing:
		return
	}
	for {
		select {
		case <-s.wanted:
		case <-s.closing:
			return
		}
		if s.running.CompareAndSwap(false, true) && !s.db.Schedule(s) {
			s.running.Store(false)
		}
	}
}
