package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"unpark/schemas"
)

// Notifier tells one destination of one escalation. It is used by one goroutine
// at a time. A returned *Error says whether to try again; any other error counts
// as retryable. No error may hold a secret, addresses included.
type Notifier interface {
	Notify(ctx context.Context, m Message) error
}

// Message is one escalation as a destination gets it.
type Message struct {
	Escalation *schemas.Escalation
	// Value is the record as it stands on the topic.
	Value []byte
	// OrgName is what people call the org; empty if its rules give no name.
	OrgName string
	// Zone is the org's time zone; nil means UTC.
	Zone *time.Location
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
