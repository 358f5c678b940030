package genesys

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Reasons of a failed call, as CheckFailed and ActionDone carry them.
const (
	ReasonNotFound     = "not_found"
	ReasonForbidden    = "forbidden"
	ReasonRateLimited  = "rate_limited"
	ReasonUnavailable  = "unavailable"
	ReasonTimeout      = "timeout"
	ReasonCredentials  = "credentials"
	ReasonBadAnswer    = "bad_answer"
	ReasonNoConnection = "no_connection" // none is configured
)

// Error is a call that did not work. Its text holds no secret and nothing that
// Genesys wrote but the correlation id.
type Error struct {
	Reason string
	// Status of the answer; 0: there was none.
	Status int
	// CorrelationID is what Genesys's support asks for.
	CorrelationID string
	// RetryAfter is what Genesys asked for; 0: nothing.
	RetryAfter time.Duration
	// Call is the method and the path.
	Call string
	Err  error
}

func (e *Error) Error() string {
	s := e.Reason
	switch {
	case e.Err != nil:
		s = e.Err.Error()
	case e.Status != 0:
		s = fmt.Sprintf("answered %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Call != "" {
		s = e.Call + ": " + s
	}
	if e.CorrelationID != "" {
		s += " (correlation id " + e.CorrelationID + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// temporary says that the same call may work later.
func (e *Error) temporary() bool {
	return e.Reason == ReasonRateLimited || e.Reason == ReasonUnavailable || e.Reason == ReasonTimeout
}

// orgWide says that the trouble is the org's, not the conversation's.
func (e *Error) orgWide() bool { return e.temporary() || e.Reason == ReasonCredentials }

// refused says that Genesys will not tell this one thing, or that there is no such
// thing: asking again tells no more.
func (e *Error) refused() bool { return e.Status >= 400 && e.Status < 500 && !e.orgWide() }

// asError returns err as an Error. What is none came from a wait that ended.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Error{Reason: ReasonTimeout, Err: errors.New("no answer in time")}
	}
	return &Error{Reason: ReasonUnavailable, Err: err}
}

// statusReason is the reason for a status that is no success.
func statusReason(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return ReasonCredentials
	case status == http.StatusForbidden:
		return ReasonForbidden
	case status == http.StatusNotFound || status == http.StatusGone:
		return ReasonNotFound
	case status == http.StatusTooManyRequests:
		return ReasonRateLimited
	case status == http.StatusRequestTimeout || status >= 500 && status != http.StatusNotImplemented:
		return ReasonUnavailable
	}
	return ReasonBadAnswer
}
