package notify

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"unpark/internal/database"
	"unpark/schemas"
)

// shelf keeps the entries of the partitions that this process owns, on disk as the
// topic has them, up to where that was read (page.go); what is newer is at hand
// (hand.go), with some that are used next. Of the others memory holds little more than
// where they are, and a notifier that starts reads no more than what came since. The
// topic is the truth. Safe for concurrent use.
type shelf struct {
	db      *pebble.DB
	doubted atomic.Bool // whether the next process is to begin with nothing
}

const (
	shelfMemTable = 8 << 20
	shelfCache    = 32 << 20 // memtables included
)

// openShelf opens the shelf in dir; an empty one in memory if dir is empty. One that
// cannot be opened is replaced by an empty one.
func openShelf(dir string, log *slog.Logger) (*shelf, error) {
	if dir == "" {
		return newShelf("shelf", vfs.NewMem(), log)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("processor.data_dir: %w", err)
	}
	s, err := newShelf(dir, vfs.Default, log)
	if err == nil || !pebble.IsCorruptionError(err) {
		return s, err
	}
	log.Warn("what was kept of the ledger cannot be read; all of it is read from the topic", schemas.LogError, err)
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("notifier: %w", err)
	}
	return newShelf(dir, vfs.Default, log)
}

func newShelf(dir string, fs vfs.FS, log *slog.Logger) (*shelf, error) {
	cache := pebble.NewCache(shelfCache)
	defer cache.Unref()
	// What is written is read by the next process after a kill. What a crash of the
	// machine takes of it is the end, and the position with it.
	opts := &pebble.Options{
		FS: fs, FormatMajorVersion: pebble.FormatValueSeparation, MemTableSize: shelfMemTable,
		MemTableStopWritesThreshold: 2, Cache: cache,
		// Most entries are written once or twice and seldom read: tables are merged late.
		L0CompactionThreshold: 16, L0CompactionFileThreshold: 10_000, L0StopWritesThreshold: 10_000,
	}
	// While a notifier that starts reads on, each entry that is new is looked for.
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := database.Open(dir, opts, log)
	if err == nil {
		return &shelf{db: db}, nil
	}
	lock, locked := pebble.LockDirectory(dir, fs)
	if locked != nil {
		return nil, fmt.Errorf("%s cannot be locked, another unpark may have it open; give each process its own processor.data_dir: %w", dir, err)
	}
	_ = lock.Close()
	return nil, fmt.Errorf("open %s: %w", dir, err)
}

// entryID finds an entry within its partition: hashes of escalation and
// destination.
type entryID [16]byte

func hashOf(s string) uint64 {
	sum := sha256.Sum256([]byte(s))
	return binary.BigEndian.Uint64(sum[:])
}

func idOf(escalation, destination string) (id entryID) {
	binary.BigEndian.PutUint64(id[:8], hashOf(escalation))
	binary.BigEndian.PutUint64(id[8:], hashOf(destination))
	return id
}

// idOfKey is the id of the entry with a key on the topic.
func idOfKey(key string) entryID {
	escalation, destination, _ := strings.Cut(key, "/")
	return idOf(escalation, destination)
}

// of says whether it may be an entry of an escalation.
func (id entryID) of(escalation string) bool {
	return binary.BigEndian.Uint64(id[:8]) == hashOf(escalation)
}

// Keys: partition 'E' id → the entry as JSON; partition 'I' id → its row; partition 'C' hash of the
// conversation, id → nothing; partition 'D' hash of the digest, id → nothing; partition 'A' key of an
// answer → the answer; partition 'P' → the position. Only 'C' and 'D' may be ahead of it, and name entries that are not there.
func partitionKey(partition int32, kind byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 32), uint32(partition)), kind)
}

func entryKey(partition int32, kind byte, id []byte) []byte {
	return append(partitionKey(partition, kind), id...)
}

func answerKey(partition int32, key string) []byte {
	return append(partitionKey(partition, 'A'), key...)
}

func conversationKey(partition int32, conversation string, id []byte) []byte {
	return hashKey(partition, 'C', conversation, id)
}

func digestKey(partition int32, digest string, id []byte) []byte {
	return hashKey(partition, 'D', digest, id)
}

func hashKey(partition int32, kind byte, of string, id []byte) []byte {
	return append(binary.BigEndian.AppendUint64(partitionKey(partition, kind), hashOf(of)), id...)
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

// put has an entry that is being written to the topic found by what it belongs to; old
// is the entry as it was, nil if that is not known.
func (s *shelf) put(partition int32, id entryID, e, old *entry) error {
	digest := e.Digest != "" && (old == nil || old.Digest != e.Digest)
	if old != nil && !digest {
		return nil
	}
	return s.write(2*rowSize, func(b *pebble.Batch) (err error) {
		if old == nil {
			err = b.Set(conversationKey(partition, e.Conversation, id[:]), nil, nil)
		}
		if digest {
			err = errors.Join(err, b.Set(digestKey(partition, e.Digest, id[:]), nil, nil))
		}
		return err
	})
}

// position is up to where a partition lies on the disk.
func (s *shelf) position(partition int32) (p position, err error) {
	value, err := s.get(partitionKey(partition, 'P'))
	if value == nil || err != nil {
		return p, err
	}
	if json.Unmarshal(value, &p) != nil {
		return position{}, nil // of another format
	}
	return p, nil
}

// write writes what fill puts into a batch, all or nothing; size is about what it takes.
func (s *shelf) write(size int, fill func(*pebble.Batch) error) error {
	b := s.db.NewBatchWithSize(size)
	err := fill(b)
	if err == nil {
		err = b.Commit(pebble.NoSync)
	}
	return errors.Join(err, b.Close())
}

// ofConversation returns the entries of a conversation, ofDigest those that are, or
// were, in a digest.
func (s *shelf) ofConversation(partition int32, conversation string) ([]entryID, error) {
	return s.ids(conversationKey(partition, conversation, nil))
}

func (s *shelf) ofDigest(partition int32, digest string) ([]entryID, error) {
	return s.ids(digestKey(partition, digest, nil))
}

func (s *shelf) ids(prefix []byte) (ids []entryID, err error) {
	err = s.each(prefix, func(k, _ []byte) { ids = append(ids, idAtEnd(k)) })
	return ids, err
}

// idAtEnd is the id that a key ends with.
func idAtEnd(key []byte) entryID { return entryID(key[len(key)-len(entryID{}):]) }

// each calls f for all keys that begin with prefix, in their order; both are f's until
// it returns.
func (s *shelf) each(prefix []byte, f func(key, value []byte)) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(err, it.Close())
		}
		f(it.Key(), value)
	}
	return it.Close()
}

// dropPartition forgets a partition.
func (s *shelf) dropPartition(partition int32) error {
	from := binary.BigEndian.AppendUint32(nil, uint32(partition))
	return s.db.DeleteRange(from, after(from), pebble.NoSync)
}

// close keeps what is on the disk for the next process, unless it is in doubt.
func (s *shelf) close() error {
	if s.doubted.Load() {
		return errors.Join(s.db.DeleteRange(nil, []byte{0xff}, pebble.NoSync), s.db.Close())
	}
	return s.db.Close()
}

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
