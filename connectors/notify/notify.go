package notify

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Notifier tells one destination. It is used by one goroutine at a time.
type Notifier interface {
	// Capabilities says what the destination can do; the answer never changes.
	Capabilities() Capabilities
	// Notify tells one message and returns how to find it again; a message about
	// one that was told returns that one's Reference again, or a new one. A
	// returned *Error says whether to try again; any other error counts as
	// retryable. No error may hold a secret, addresses included.
	Notify(ctx context.Context, m Message) (Reference, error)
}

// Capabilities is what a destination can do.
type Capabilities struct {
	// Kinds are those that it tells; Alert need not be named. A destination
	// without Digest gets every alert, however many there are.
	Kinds Kinds
	// Update: a message told can be changed in place, by its Reference.
	Update bool
	// Idempotent: what is sent twice under one MessageKey is shown once.
	Idempotent bool
	// Every is the least time between two messages, 0 for none; Burst is how many
	// may come at once before it counts (at least 1).
	Every time.Duration
	Burst int
}

// Interaction is what a person did about an alert: pressed a button, gave a
// command.
type Interaction struct {
	// Escalation and Conversation are those of the alert, as the Message had them.
	// Without an Escalation all open alerts of the conversation are meant.
	Escalation   string
	Conversation string
	// Snooze is for how long to silence the reminders; 0 acknowledges.
	Snooze time.Duration
	// By is who did it, as people know them.
	By string
}

// Error is why a destination did not take a message.
type Error struct {
	// Reason is from a bounded set: a metric label, and the dead letter's reason.
	Reason string
	// Permanent errors are not tried again: the same message would fail again.
	Permanent bool
	// RetryAfter is how long the destination asked to be left alone.
	RetryAfter time.Duration
	Err        error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Reason, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// Retryable returns an Error that is worth another try.
func Retryable(reason string, err error) *Error { return &Error{Reason: reason, Err: err} }

// Permanent returns an Error that is not.
func Permanent(reason string, err error) *Error {
	return &Error{Reason: reason, Permanent: true, Err: err}
}

// asError classifies what a Notifier returned.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Retryable(reasonTimeout, err)
	}
	return Retryable(reasonOther, err)
}
