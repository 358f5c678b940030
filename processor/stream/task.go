package stream

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"unpark/processor/store"
	"unpark/schemas"
)

// StateVersion is the format of a partition's state that this binary writes. It
// reads this one and older ones.
const StateVersion = 1

// DefaultMaxRecordBytes is the size that key, value and headers of a produced
// record may have together: what fits in a batch of Kafka's default size.
const DefaultMaxRecordBytes = 1_000_000 - 2_048

// TickTolerance is how far the append time of a tick may be from the owner's
// clock; a tick that is further off is ignored.
const TickTolerance = 5 * time.Minute

// tickPause is how much of the time between two ticks counts as ticked. They come
// every ten seconds at least while somebody works the partition.
const tickPause = time.Minute

// Ticked adds to how long a partition has ticked when its time moves, all in
// milliseconds. It begins at the time of the first tick.
func Ticked(ticked, before, now int64) int64 {
	if before == 0 {
		return now
	}
	return ticked + min(now-before, tickPause.Milliseconds())
}

// TaskConfig is what a Task works with.
type TaskConfig struct {
	Partition int32
	// Partitions is the number of partitions of the input topic.
	Partitions int32
	// Topic is the name of the input topic, for dead letters, and InputTopic its id,
	// zero if it has none.
	Topic      string
	InputTopic [16]byte
	Store      *store.Partition
	Handler    Handler
	// MaxRecordBytes is the size that key, value and headers of a produced record
	// may have together; 0: DefaultMaxRecordBytes.
	MaxRecordBytes int
	// ChangelogTopic and Cluster identify the changelog that the state belongs to.
	ChangelogTopic [16]byte
	Cluster        string
}

// Task works one partition: it applies records to the handler and keeps what
// they change until the transaction they belong to is committed or aborted. It
// knows nothing of Kafka; the Runner and the replay drive it alike. A Task
// belongs to one goroutine. After an error of Apply or Flush only Abort may
// follow.
//
// Under a Runner, a partition goes through these states:
//
//	Created ──► Restoring ──► Running ──► Closed
//	   │            │            │          ▲
//	   │            ▼            ▼          │
//	   │        Suspended ◄── a record or a state that cannot be handled, or not now
//	   │            │                       │
//	   └────────────┴── partition given up ─┘
//
// Created waits for the partition's lease, Restoring reads the changelog.
// Suspended keeps the partition and does nothing until the process starts anew; or
// for a while, and is Running again, if the handler waits for something that may come
// by itself.
type Task struct {
	cfg      TaskConfig
	tx       *tx
	cur      progress
	saved    progress // as of the last commit
	records  []Record // of this transaction
	decoder  decoder
	units    unitGuard
	next     due
	flushed  bool
	moved    bool // SetPosition was called, and nothing has been committed since
	deadline deadlines
	madeFrom []byte // id of the input topic that the stored state was made of
}

// State is where a partition stands, see Task.
type State string

// States of a partition.
const (
	Created   State = "created"
	Restoring State = "restoring"
	Running   State = "running"
	Suspended State = "suspended"
	Closed    State = "closed"
)

// progress is what the records of a transaction move, state aside.
type progress struct {
	position  int64
	now       int64
	ticked    int64
	watermark entry
	sequence  uint64
	more      bool
	stats     Stats
}

// Stats counts what a task has done in committed and running transactions.
type Stats struct {
	Records, Ticks, IgnoredTicks, DeadLetters, Fired, Stale uint64

	// ClockOff is how far, in ms, the newest ignored tick was appended after the
	// instant that its owner's clock showed.
	ClockOff int64
}

// NewTask returns the task of a partition whose state is what the store holds.
// Without any state it starts at input offset 0; SetPosition changes that.
func NewTask(cfg TaskConfig) (*Task, error) {
	if cfg.MaxRecordBytes == 0 {
		cfg.MaxRecordBytes = DefaultMaxRecordBytes
	}
	t := &Task{cfg: cfg}
	t.tx = newTx(t)
	t.deadline = newDeadlines(cfg.Store)
	pos, ok, err := cfg.Store.Position()
	if err != nil || !ok {
		return t, err
	}
	meta, err := decodeMeta(pos.Meta)
	if err != nil {
		return nil, fmt.Errorf("partition %d: %w", cfg.Partition, err)
	}
	if meta == nil {
		return t, nil
	}
	if err := checkMeta(cfg, meta); err != nil {
		return nil, err
	}
	t.cur = progress{
		position:  meta.InputPosition,
		now:       meta.NowMs,
		ticked:    cmp.Or(meta.TickedMs, meta.NowMs), // older binaries did not count it
		watermark: entry{meta.WatermarkMs, string(meta.WatermarkKey)},
		sequence:  meta.Sequence,
	}
	t.saved, t.madeFrom = t.cur, meta.InputTopic
	return t, nil
}

func decodeMeta(value []byte) (*schemas.PartitionMeta, error) {
	if len(value) == 0 {
		return nil, nil
	}
	meta := new(schemas.PartitionMeta)
	if err := meta.UnmarshalVT(value); err != nil {
		return nil, fmt.Errorf("decode the meta record: %w", err)
	}
	return meta, nil
}

func checkMeta(cfg TaskConfig, meta *schemas.PartitionMeta) error {
	if meta.Version > StateVersion {
		return fmt.Errorf("partition %d: its state has format %d and this binary knows up to %d: run a newer unpark",
			cfg.Partition, meta.Version, StateVersion)
	}
	if meta.Partitions != cfg.Partitions {
		return fmt.Errorf("partition %d: the input had %d partitions when its state was written and has %d now: use a new topic prefix and replay",
			cfg.Partition, meta.Partitions, cfg.Partitions)
	}
	return nil
}

// Apply applies the record with the next offset. Records before Position are
// skipped: they have been applied. Input is decoded from Value if it is nil.
func (t *Task) Apply(rec Record) error {
	if rec.Offset < t.cur.position {
		return nil
	}
	t.records = append(t.records, rec)
	return t.apply(rec)
}

func (t *Task) apply(rec Record) error {
	t.cur.position = rec.Offset + 1
	in, err := t.decoder.decode(rec)
	if errors.Is(err, errUnknownKind) {
		return fmt.Errorf("offset %d: %w", rec.Offset, err)
	}
	if err != nil {
		t.undecodable(rec)
		return nil
	}
	rec.Input = in
	if tick := in.GetTick(); tick != nil {
		if err := t.tick(rec, tick); err != nil {
			return fmt.Errorf("tick at offset %d: %w", rec.Offset, err)
		}
		return nil
	}
	return t.process(rec)
}

func (t *Task) process(rec Record) error {
	t.cur.stats.Records++
	outputs := len(t.tx.outputs)
	err := t.unit(
		func() error { return t.cfg.Handler.Process(t.tx, rec) },
		func() { t.reject(rec, reasonTooLarge, errTooLarge) },
	)
	if p, ok := AsPoison(err); ok {
		t.tx.outputs = t.tx.outputs[:outputs]
		t.reject(rec, p.Reason, p.Err)
		return nil
	}
	if err != nil && !isOversized(err) {
		return fmt.Errorf("process offset %d: %w", rec.Offset, err)
	}
	return err
}

// tick moves the partition's time to the append time of the record and handles
// what has fallen due.
func (t *Task) tick(rec Record, tick *schemas.Tick) error {
	if off := rec.AppendTime - tick.ClockMs; off > TickTolerance.Milliseconds() || off < -TickTolerance.Milliseconds() {
		t.cur.stats.IgnoredTicks++
		t.cur.stats.ClockOff = off
		return nil
	}
	t.cur.stats.Ticks++
	now := max(t.cur.now, rec.AppendTime)
	t.cur.now, t.cur.ticked = now, Ticked(t.cur.ticked, t.cur.now, now)
	left, err := t.punctuate(int(tick.MaxDue))
	if err != nil {
		return err
	}
	t.cur.more = left
	return t.unit(func() error {
		more, err := t.cfg.Handler.Tick(t.tx)
		t.cur.more = left || more
		return err
	}, func() { t.reject(Record{Offset: rec.Offset}, reasonTooLarge, errTooLarge) })
}

// Now is the time of the newest tick, epoch milliseconds; 0 before the first.
func (t *Task) Now() int64 { return t.cur.now }

// Position is the next input offset to apply.
func (t *Task) Position() int64 { return t.cur.position }

// Sequence counts the partition's committed transactions.
func (t *Task) Sequence() uint64 { return t.saved.sequence }

// More reports whether the newest tick left due entries over, or the handler
// asked for another tick.
func (t *Task) More() bool { return t.cur.more }

// Stats returns what the task has done since it was made.
func (t *Task) Stats() Stats { return t.cur.stats }

// MadeFrom returns the id of the input topic that the stored state was made of, when
// the task was made; empty if it does not say.
func (t *Task) MadeFrom() []byte { return t.madeFrom }

// SetPosition sets the next input offset to apply; not within a transaction.
func (t *Task) SetPosition(position int64) {
	t.cur.position = position
	t.saved.position = position
	t.moved = true
}

// Moved reports whether the position is one that was set, which the stored state does
// not know yet.
func (t *Task) Moved() bool { return t.moved }

// Outputs returns what the transaction emitted, in order. It is complete after
// Flush.
func (t *Task) Outputs() []Output { return slices.Clip(t.tx.outputs) }

// Abort forgets the records applied since the last commit.
func (t *Task) Abort() {
	t.rollback()
	t.tx.values = values{} // what was produced may still be on its way
	t.clear()
}

// Rest lets go of what a task holds while it works; it may work on.
func (t *Task) Rest() error { return t.cfg.Store.EndReading() }

// Close brings what is committed to disk. It follows Commit or Abort; the Task and
// its store must not be used any more.
func (t *Task) Close() error { return t.cfg.Store.Close() }

// rollback undoes the transaction; the records and rejected units are kept.
func (t *Task) rollback() {
	t.cur = t.saved
	t.tx.reset()
	t.deadline.rollback()
	t.next = due{}
	t.units.restart()
	t.flushed = false
	t.cfg.Handler.Reset()
}

// clear makes the task ready for the next transaction.
func (t *Task) clear() {
	clear(t.records)
	t.records = t.records[:0]
	t.units = unitGuard{}
	t.flushed = false
}
