// Package store keeps the state of the processor's partitions on disk: one
// Pebble database per process, one key range per partition. What it holds of a
// partition is at any time exactly the partition's state at the changelog
// position written beside it; a crash may lose the newest commits, never tear
// one. The changelog is the durable truth, so nothing here waits for the disk.
//
// Reads: nothing.
// Writes: nothing.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	formatVersion = pebble.FormatValueSeparation

	memTableSize  = 64 << 20
	memTableCount = 4
	cacheSize     = 128 << 20

	memoryMemTableSize = 4 << 20
	memoryCacheSize    = 32 << 20
)

// ErrInUse says that another process, or another Store of this one, has the
// data dir open.
var ErrInUse = errors.New("data dir in use")

// Options are the settings of a Store. The zero value is usable.
type Options struct {
	// CacheSize is the size of the block cache in bytes, memtables not counted;
	// 0: 128 MiB.
	CacheSize int64
	// MemTableSize is the size of one memtable in bytes; 0: 64 MiB.
	MemTableSize uint64
	// FS is the file system; nil: the disk.
	FS vfs.FS
	// Logger gets what Pebble has to say; nil: nothing is logged.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.CacheSize == 0 {
		o.CacheSize = cacheSize
	}
	if o.MemTableSize == 0 {
		o.MemTableSize = memTableSize
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
	db   *pebble.DB
	lock *pebble.Lock
}

// Open opens the database in dir, and makes it if there is none. The error is
// ErrInUse if somebody else has it open.
func Open(dir string, o Options) (*Store, error) {
	o = o.withDefaults()
	if err := o.FS.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make data dir %s: %w", dir, err)
	}
	lock, err := lockDir(dir, o.FS)
	if err != nil {
		return nil, err
	}
	db, err := pebble.Open(dir, pebbleOptions(o, lock))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open data dir %s: %w", dir, err), lock.Close())
	}
	return &Store{db: db, lock: lock}, nil
}

// OpenMemory opens an empty database that lives in memory, for replays and
// tests.
func OpenMemory() (*Store, error) {
	return Open("memory", Options{FS: vfs.NewMem(), CacheSize: memoryCacheSize, MemTableSize: memoryMemTableSize})
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
		MemTableSize:                o.MemTableSize,
		MemTableStopWritesThreshold: memTableCount,
		// Pebble charges memtables against the cache.
		CacheSize: o.CacheSize + memTableCount*int64(o.MemTableSize),
		Logger:    logger{o.Logger},
	}
	// Most gets are for conversations that have no state yet.
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return opts
}

// Partition returns the part of the store that holds partition id (not below
// 0). It belongs to one goroutine at a time.
func (s *Store) Partition(id int32) *Partition {
	return &Partition{id: id, db: s.db}
}

// Close closes the database. Iterators must be closed, and no Partition may be
// used any more.
func (s *Store) Close() error {
	// A clean close needs no restore, so what is only in memory is written.
	return errors.Join(s.db.Flush(), s.db.Close(), s.lock.Close())
}
