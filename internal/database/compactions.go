// Package database opens a Pebble database: one that merges no tables while it is being
// opened, so that a process that starts after a crash does not wait for it, and whose end
// is that of the process, with a reason in the log.
//
// Reads: nothing.
// Writes: nothing.
package database

import (
	"log/slog"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// Open is pebble.Open, which waits for no compaction that it has begun itself, with log
// for what Pebble has to say. It ends the process if the database cannot go on.
func Open(dir string, opts *pebble.Options, log *slog.Logger) (*pebble.DB, error) {
	opts.Logger = logger{log}
	s := &scheduler{wanted: make(chan struct{}, 1), closing: make(chan struct{}), closed: make(chan struct{})}
	opts.Experimental.CompactionScheduler = s
	db, err := pebble.Open(dir, opts)
	if err == nil {
		go s.grant()
	}
	return db, err
}

// scheduler has a database run one compaction at a time, as Pebble's own does unless
// told otherwise, and none before it is open but such that only delete, which are cheap
// and not asked for. Pebble's starts one meanwhile, and pebble.Open then waits for it,
// which may take seconds.
//
// It grants nothing when it is asked; a goroutine does so a moment later, when
// nothing runs. Pebble calls it with its locks held, so it only leaves word here.
type scheduler struct {
	db      pebble.DBForCompaction
	running atomic.Bool
	wanted  chan struct{} // one may be, or one has ended
	closing chan struct{}
	closed  chan struct{}
}

// Register implements pebble.CompactionScheduler.
func (s *scheduler) Register(_ int, db pebble.DBForCompaction) { s.db = db }

// Unregister implements pebble.CompactionScheduler.
func (s *scheduler) Unregister() {
	close(s.closing)
	<-s.closed
}

// TrySchedule implements pebble.CompactionScheduler.
func (s *scheduler) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	s.want()
	return false, nil
}

// UpdateGetAllowedWithoutPermission implements pebble.CompactionScheduler.
func (s *scheduler) UpdateGetAllowedWithoutPermission() { s.want() }

// Done implements pebble.CompactionGrantHandle.
func (s *scheduler) Done() {
	s.running.Store(false)
	s.want()
}

// Started implements pebble.CompactionGrantHandle.
func (s *scheduler) Started() {}

// MeasureCPU implements pebble.CompactionGrantHandle.
func (s *scheduler) MeasureCPU(pebble.CompactionGoroutineKind) {}

// CumulativeStats implements pebble.CompactionGrantHandle.
func (s *scheduler) CumulativeStats(pebble.CompactionGrantHandleStats) {}

func (s *scheduler) want() {
	select {
	case s.wanted <- struct{}{}:
	default:
	}
}

// grant starts compactions until the database is closed.
func (s *scheduler) grant() {
	defer close(s.closed)
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
