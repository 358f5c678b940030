// Package store keeps the state of the processor's partitions: one Pebble database
// per process, one key range per partition, and above it what was committed in the
// last seconds, in memory. What Pebble holds of a partition is at any time exactly
// the partition's state at the changelog position written beside it; a crash may
// lose the newest commits, never tear one. The changelog is the durable truth, so
// no commit waits for the disk.
//
//	Get ──► layer ──► layer being flushed ──► Pebble
//	          ▲  every few seconds, or when large:  ▲
//	Commit ───┘  one sorted table, with its position┘
//
// Reads: nothing.
// Writes: nothing.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"unpark/internal/database"
)

const (
	formatVersion = pebble.FormatValueSeparation

	cacheSize       = 128 << 20
	memoryCacheSize = 32 << 20
	layerSize       = 96 << 20
	minShare        = 1 << 20
	indexBlockSize  = 1 << 20
	restoredShare   = 16 // of a layer's share: what is not worth a flush of its own
	flushInterval   = 30 * time.Second
	flushFolder     = "flush"

	// Nothing goes through the memtables.
	memTableSize  = 256 << 10
	memTableCount = 2
)

// ErrInUse says that another process, or another Store of this one, has the
// data dir open.
var ErrInUse = errors.New("data dir in use")

// Options are the settings of a Store. The zero value is usable.
type Options struct {
	// CacheSize is the size of the block cache in bytes; 0: 128 MiB.
	CacheSize int64
	// LayerSize is how much may be committed and not be in Pebble, in bytes, over
	// all partitions; 0: 96 MiB. Twice that is kept in memory.
	LayerSize int
	// FlushInterval is how long it may be; 0: 30 s.
	FlushInterval time.Duration
	// Step is called at the steps of a flush; tests crash there. It may be nil.
	Step func(name string)
	// FS is the file system; nil: the disk.
	FS vfs.FS
	// Logger gets what Pebble has to say; nil: nothing is logged.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.CacheSize == 0 {
		o.CacheSize = cacheSize
	}
	if o.LayerSize == 0 {
		o.LayerSize = layerSize
	}
	if o.FlushInterval == 0 {
		o.FlushInterval = flushInterval
	}
	if o.Step == nil {
		o.Step = func(string) {}
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Store is the database of one process. It is safe for concurrent use; a
// Partition is not.
type Store struct {
	db            *pebble.DB
	lock          *pebble.Lock
	fs            vfs.FS
	flushDir      string // where tables are written before Pebble takes them in
	tableOptions  sstable.WriterOptions
	step          func(string)
	layerSize     int
	flushInterval time.Duration

	partitions   atomic.Int64 // that are in use
	layerBytes   atomic.Int64
	flushes      atomic.Int64
	flushedBytes atomic.Int64
	flushNanos   atomic.Int64
}

// Open opens the database in dir, and makes it if there is none. The error is
// ErrInUse if somebody else has it open.
func Open(dir string, o Options) (*Store, error) {
	o = o.withDefaults()
	s := &Store{
		fs: o.FS, flushDir: o.FS.PathJoin(dir, flushFolder), step: o.Step,
		layerSize: o.LayerSize, flushInterval: o.FlushInterval,
	}
	if err := o.FS.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make data dir %s: %w", dir, err)
	}
	var err error
	if s.lock, err = lockDir(dir, o.FS); err != nil {
		return nil, err
	}
	// What a crash has left of a flush is of no use.
	err = errors.Join(o.FS.RemoveAll(s.flushDir), o.FS.MkdirAll(s.flushDir, 0o755))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("clear %s: %w", s.flushDir, err), s.lock.Close())
	}
	opts := pebbleOptions(o, s.lock)
	if s.db, err = database.Open(dir, opts, o.Logger); err != nil {
		return nil, errors.Join(fmt.Errorf("open data dir %s: %w", dir, err), s.lock.Close())
	}
	s.tableOptions = opts.MakeWriterOptions(0, s.db.TableFormat())
	return s, nil
}

// OpenMemory opens an empty database that lives in memory, for replays and
// tests.
func OpenMemory() (*Store, error) {
	return Open("memory", Options{FS: vfs.NewMem(), CacheSize: memoryCacheSize})
}

// lockDir tells a directory in use from one that cannot be written: Pebble's
// file lock has a path in the error only for the latter.
func lockDir(dir string, fsys vfs.FS) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(dir, fsys)
	if err == nil {
		return lock, nil
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, fmt.Errorf("lock data dir %s: %w", dir, err)
	}
	return nil, fmt.Errorf("%w: another unpark has %s open; give each process its own processor.data_dir", ErrInUse, dir)
}

func pebbleOptions(o Options, lock *pebble.Lock) *pebble.Options {
	opts := &pebble.Options{
		FS:                          o.FS,
		Lock:                        lock,
		FormatMajorVersion:          formatVersion,
		DisableWAL:                  true,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: memTableCount,
		CacheSize:                   o.CacheSize,
	}
	for i := range opts.Levels {
		// Most gets are for conversations that have no state yet.
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		// A table's index is one block: a get reads one block less.
		opts.Levels[i].IndexBlockSize = indexBlockSize
	}
	opts.EnsureDefaults()
	return opts
}

// Partition returns the part of the store that holds partition id (not below
// 0). It belongs to one goroutine at a time, and there must not be two of one
// partition: the one before must have been closed.
func (s *Store) Partition(id int32) *Partition {
	s.partitions.Add(1)
	p := &Partition{id: id, s: s, dirty: newLayer()}
	p.account()
	return p
}

func (s *Store) release(p *Partition) {
	s.partitions.Add(-1)
	s.layerBytes.Add(-p.accounted)
	p.accounted = 0
}

// share is what the layer of one partition may take.
func (s *Store) share() int {
	return max(minShare, s.layerSize/max(1, int(s.partitions.Load())))
}

// Close closes the database. Iterators and Partitions must be closed.
func (s *Store) Close() error {
	return errors.Join(s.db.Close(), s.lock.Close())
}
