package notify

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"unpark/schemas"
)

// shelf keeps the entries of the partitions that this process owns, the newest of
// them at hand, the others on disk, so that memory holds no more than where they
// are. The topic is the truth: a shelf is empty at the start and filled from it.
// Safe for concurrent use.
type shelf struct {
	db   *pebble.DB
	hand hand
}

const (
	shelfMemTable = 8 << 20
	shelfCache    = 32 << 20 // memtables included
	atHand        = 4096     // entries
)

// openShelf opens an empty shelf in dir; in memory if dir is empty.
func openShelf(dir string) (*shelf, error) {
	fs := vfs.Default
	if dir == "" {
		fs, dir = vfs.NewMem(), "shelf"
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("notifier: %w", err)
	}
	cache := pebble.NewCache(shelfCache)
	defer cache.Unref()
	opts := &pebble.Options{
		FS: fs, FormatMajorVersion: pebble.FormatValueSeparation, MemTableSize: shelfMemTable,
		MemTableStopWritesThreshold: 2, Cache: cache, DisableWAL: true, Logger: quietLogger{},
		// Most entries are written once or twice and seldom read: tables are merged late.
		L0CompactionThreshold: 16, L0CompactionFileThreshold: 10_000, L0StopWritesThreshold: 10_000,
	}
	// Each new entry is looked for first.
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("notifier: open %s: %w", dir, err)
	}
	s := &shelf{db: db, hand: newHand(atHand)}
	if err := s.drop(nil, []byte{0xff}); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

type quietLogger struct{}

func (quietLogger) Infof(string, ...any)  {}
func (quietLogger) Errorf(string, ...any) {}
func (quietLogger) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("notifier: "+format, args...))
}

// entryID finds an entry within its partition: hashes of escalation and
// destination. They are never stored beyond the process that made them.
type entryID [16]byte

var hashSeed = maphash.MakeSeed()

func hashOf(s string) uint64 { return maphash.String(hashSeed, s) }

func idOf(escalation, destination string) (id entryID) {
	binary.BigEndian.PutUint64(id[:8], hashOf(escalation))
	binary.BigEndian.PutUint64(id[8:], hashOf(destination))
	return id
}

// Keys: partition 'E' id → the entry as JSON, empty while it is at hand; partition 'C' hash of the
// conversation, id → nothing; partition 'D' hash of the digest, id → nothing.
func entryKey(partition int32, id []byte) []byte {
	k := binary.BigEndian.AppendUint32(make([]byte, 0, 32), uint32(partition))
	return append(append(k, 'E'), id...)
}

func conversationKey(partition int32, conversation string, id []byte) []byte {
	return hashKey(partition, 'C', conversation, id)
}

func digestKey(partition int32, digest string, id []byte) []byte {
	return hashKey(partition, 'D', digest, id)
}

func hashKey(partition int32, kind byte, of string, id []byte) []byte {
	k := binary.BigEndian.AppendUint32(make([]byte, 0, 32), uint32(partition))
	return append(binary.BigEndian.AppendUint64(append(k, kind), hashOf(of)), id...)
}

// load returns an entry, which is the caller's; nil if there is none.
func (s *shelf) load(partition int32, id entryID) (*entry, error) {
	return s.hand.get(slot{partition, id}, func() (*entry, error) {
		value, err := s.get(entryKey(partition, id[:]))
		if err != nil || value == nil {
			return nil, err
		}
		e, err := schemas.DecodeDelivery(value)
		if err != nil {
			return nil, nil // it was filled in as it came: what cannot be read is passed over
		}
		return e, nil
	}, func(_ bool, old *slot, its []byte) error {
		if old == nil {
			return nil
		}
		return s.db.Set(entryKey(old.partition, old.id[:]), its, pebble.NoSync)
	})
}

// get returns a copy; nil if there is none.
func (s *shelf) get(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append([]byte{}, v...), nil
}

// put keeps an entry, and takes the one that has been at hand longest to the disk.
func (s *shelf) put(partition int32, id entryID, e *entry, value []byte) error {
	return s.hand.put(slot{partition, id}, held{*e, value}, func(known bool, old *slot, its []byte) error {
		return s.write(func(b *pebble.Batch) (err error) {
			if !known {
				err = errors.Join(b.Set(entryKey(partition, id[:]), nil, nil), b.Set(conversationKey(partition, e.Conversation, id[:]), nil, nil))
			}
			if e.Digest != "" {
				err = errors.Join(err, b.Set(digestKey(partition, e.Digest, id[:]), nil, nil))
			}
			if old != nil {
				err = errors.Join(err, b.Set(entryKey(old.partition, old.id[:]), its, nil))
			}
			return err
		})
	})
}

// fill puts entries on the disk that nobody has at hand.
func (s *shelf) fill(partition int32, entries map[entryID]indexed) error {
	return s.write(func(b *pebble.Batch) (err error) {
		for id, one := range entries {
			err = errors.Join(err, b.Set(entryKey(partition, id[:]), one.value, nil), b.Set(conversationKey(partition, one.Conversation, id[:]), nil, nil))
			if one.Digest != "" {
				err = errors.Join(err, b.Set(digestKey(partition, one.Digest, id[:]), nil, nil))
			}
		}
		return err
	})
}

func (s *shelf) remove(partition int32, id entryID, e *entry) error {
	return s.hand.remove(slot{partition, id}, func() error {
		return s.write(func(b *pebble.Batch) error {
			return errors.Join(b.Delete(entryKey(partition, id[:]), nil), b.Delete(conversationKey(partition, e.Conversation, id[:]), nil),
				b.Delete(digestKey(partition, e.Digest, id[:]), nil))
		})
	})
}

// write writes what fill puts into a batch.
func (s *shelf) write(fill func(*pebble.Batch) error) error {
	b := s.db.NewBatch()
	return errors.Join(fill(b), b.Commit(pebble.NoSync), b.Close())
}

// ofEscalation returns the entries of an escalation, ofConversation those of a
// conversation, ofDigest those that are, or were, in a digest.
func (s *shelf) ofEscalation(partition int32, escalation string) ([]entryID, error) {
	return s.ids(entryKey(partition, binary.BigEndian.AppendUint64(nil, hashOf(escalation))))
}

func (s *shelf) ofConversation(partition int32, conversation string) ([]entryID, error) {
	return s.ids(conversationKey(partition, conversation, nil))
}

func (s *shelf) ofDigest(partition int32, digest string) ([]entryID, error) {
	return s.ids(digestKey(partition, digest, nil))
}

func (s *shelf) ids(prefix []byte) (ids []entryID, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return nil, err
	}
	for ok := it.First(); ok; ok = it.Next() {
		k := it.Key()
		ids = append(ids, entryID(k[len(k)-len(entryID{}):]))
	}
	return ids, it.Close()
}

// dropPartition forgets a partition.
func (s *shelf) dropPartition(partition int32) error {
	from := binary.BigEndian.AppendUint32(nil, uint32(partition))
	return s.hand.dropPartition(partition, func() error { return s.drop(from, after(from)) })
}

func (s *shelf) drop(from, to []byte) error { return s.db.DeleteRange(from, to, pebble.NoSync) }

func (s *shelf) close() error { return s.db.Close() }

// after is the first key that does not begin with prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := range slices.Backward(end) {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
