package stream

import (
	"errors"
	"fmt"

	"unpark/schemas"
)

// Record is one record of the input topic. Times are epoch milliseconds.
type Record struct {
	Offset     int64
	AppendTime int64
	Key        []byte
	Value      []byte
	// Input is Value, decoded.
	Input *schemas.InputRecord
}

// Output is a record for another topic, produced in the transaction that
// commits the input. Its partition follows from Key as Kafka's default
// partitioner has it, but on the input topic, where it is the Tx's own: what a
// partition tells itself becomes a part of its log. A replay, whose log is given,
// drops it (OwnInput).
type Output struct {
	Topic   schemas.Topic
	Key     []byte
	Value   []byte
	Headers []schemas.Header
}

// OwnInput reports whether the output goes to the partition's own input.
func (o Output) OwnInput() bool { return o.Topic.Suffix == schemas.ConversationEvents.Suffix }

// Tx is one partition's view of its state within a transaction: what is
// committed, and what the transaction has written so far. Keys are those of the
// changelog (schemas/changelog.go), without partition. A Tx is used by one
// goroutine and must not be kept after the call it was passed to.
type Tx interface {
	// Now is the time of the newest tick, epoch milliseconds; 0 before the first.
	Now() int64
	// Ticked is how long the partition has ticked, milliseconds: Now, without the
	// times since its first tick in which nobody worked it.
	Ticked() int64
	// Get returns the value of key, nil if there is none. It is valid until the
	// next call.
	Get(key []byte) ([]byte, error)
	// Put writes key to the state and, once per key and transaction, to the
	// changelog. The key is the Tx's from then on: it must not be altered. The value is
	// copied.
	Put(key, value []byte) error
	// Delete removes key from both. The slice is the Tx's from then on.
	Delete(key []byte) error
	// Scan returns up to limit keys that begin with prefix and are >= from, in
	// order.
	Scan(prefix, from []byte, limit int) ([][]byte, error)
	// SetDeadline adds an entry for key to the deadline index and returns the
	// instant it stands at: at, or later if the index has been handled beyond it.
	// An entry that no longer holds may be left to fire: Punctuate says that it was
	// stale. The key is the Tx's from then on.
	SetDeadline(key []byte, at int64) (int64, error)
	// DropDeadline removes an entry that would fire stale, at the instant that
	// SetDeadline returned. It decides nothing and saves the firing. The key is the
	// Tx's from then on.
	DropDeadline(key []byte, at int64)
	// Emit adds an output to the transaction.
	Emit(Output)
}

// Handler is the logic that a Task drives: the same one under Kafka and in a
// replay. Its decisions depend on its arguments and on the state alone: no wall
// clock, no chance, no map order. One Handler belongs to one partition.
type Handler interface {
	// Process applies one input record that is not a tick. An error from
	// Poison makes the record a dead letter and the partition goes on; it must
	// come before anything was changed. After an error from Unavailable, of any method,
	// the transaction is tried again later; any other stops the partition. The message
	// of an event is valid until Process returns; its strings stay valid and
	// keep all that was fetched with the event in memory: what outlives the
	// transaction is to be cloned.
	Process(tx Tx, rec Record) error
	// Punctuate handles one due entry of the deadline index: key was to be looked
	// at at the instant due (as SetDeadline returned it) and Now has reached it.
	// current is false if the entry is stale; only current ones count towards the
	// number a tick may handle.
	Punctuate(tx Tx, key []byte, due int64) (current bool, err error)
	// Tick is called once for every tick, after its due entries. more asks for
	// another tick at once, for work that is done in slices.
	Tick(tx Tx) (more bool, err error)
	// Flush writes what the handler holds decoded and changed to tx. It is called at the
	// end of every transaction, before the commit, and within one after every step when
	// the step that writes too much is looked for. A handler may write earlier, and the
	// same key again.
	Flush(tx Tx) error
	// Reset forgets what the handler holds decoded: the transaction was aborted.
	Reset()
	// Deadline returns the entry of the deadline index that a stored value stands
	// for; the index is rebuilt with it at restore.
	Deadline(key, value []byte) (at int64, ok bool, err error)
}

// PoisonError marks a record that can never be applied.
type PoisonError struct {
	// Reason is from a bounded set; it is the metric label and the dead letter's.
	Reason string
	Err    error
}

func (e *PoisonError) Error() string { return fmt.Sprintf("%s: %v", e.Reason, e.Err) }

func (e *PoisonError) Unwrap() error { return e.Err }

// Poison returns a PoisonError.
func Poison(reason string, err error) error { return &PoisonError{Reason: reason, Err: err} }

// AsPoison reports whether err is a PoisonError, and returns it.
func AsPoison(err error) (*PoisonError, bool) { return errors.AsType[*PoisonError](err) }

// unavailableError marks that something a decision needs does not answer.
type unavailableError struct{ err error }

func (e *unavailableError) Error() string { return e.err.Error() }

func (e *unavailableError) Unwrap() error { return e.err }

// Unavailable marks an error of a Handler that may pass by itself: what it must ask
// does not answer now. The partition stands until then, and is tried again.
func Unavailable(err error) error { return &unavailableError{err} }

// IsUnavailable reports whether err is from Unavailable.
func IsUnavailable(err error) bool {
	_, ok := errors.AsType[*unavailableError](err)
	return ok
}
