package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	slackapi "github.com/slack-go/slack"

	"unpark/connectors/notify"
)

// maxAnswer is how much of an answer of the Web API is read: it repeats the
// message.
const maxAnswer = 1 << 20

// witness sees the answers that slack-go reads: the library tells neither the
// Retry-After of a 503 nor one that is a date.
type witness struct {
	next   http.RoundTripper
	answer notify.Answer
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	next := w.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	w.answer = notify.Answer{Status: resp.StatusCode, Header: resp.Header.Clone()}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// classify turns an error of slack-go into one of ours. Its text is not repeated:
// it may hold addresses, and whatever a proxy answered.
func (w *witness) classify(err error) error {
	if refused, ok := errors.AsType[slackapi.SlackErrorResponse](err); ok {
		return refusal(refused.Err)
	}
	if w.answer.Status != 0 {
		if err := w.answer.Err(); err != nil {
			return wrap(err)
		}
	}
	if _, ok := errors.AsType[*url.Error](err); ok || errors.Is(err, context.DeadlineExceeded) {
		return wrap(notify.TransportError(err))
	}
	return notify.Retryable("unexpected_answer", errors.New("slack: answered something that is not Slack's"))
}

// refusal says what Slack's word for an error means.
func refusal(word string) error {
	err := fmt.Errorf("slack: refused: %s", word)
	switch {
	case transient[word]:
		return notify.Retryable(word, err)
	case permanent[word]:
		return notify.Permanent(word, err)
	}
	return notify.Permanent("refused", errors.New("slack: refused for a reason that is not known here"))
}

// transient are refusals that may be over soon; permanent those that come again,
// until somebody changes the configuration. Both are from the pages of
// chat.postMessage and chat.update; only these words become reasons.
var (
	transient = set("accesslimited", "fatal_error", "internal_error", "message_limit_exceeded", "rate_limited", "ratelimited",
		"request_timeout", "service_unavailable", "team_added_to_org")
	permanent = set("access_denied", "account_inactive", "as_user_not_supported", "block_mismatch", "cant_update_message",
		"channel_not_found", "edit_window_closed", "ekm_access_denied", "enterprise_is_restricted", "external_channel_migrating",
		"invalid_arguments", "invalid_auth", "invalid_blocks", "invalid_blocks_format", "is_archived", "is_inactive",
		"message_not_found", "missing_scope", "msg_blocks_too_long", "msg_too_long", "no_permission", "no_text",
		"not_allowed_token_type", "not_authed", "not_in_channel", "org_login_required", "restricted_action",
		"restricted_action_non_threadable_channel", "restricted_action_read_only_channel", "restricted_action_thread_locked",
		"restricted_action_thread_only_channel", "team_access_not_granted", "team_not_found", "thread_not_found",
		"token_expired", "token_revoked", "two_factor_setup_required", "update_failed")
)

func set(words ...string) map[string]bool {
	s := make(map[string]bool, len(words))
	for _, w := range words {
		s[w] = true
	}
	return s
}

// gone: the message cannot be changed any more, somebody has deleted it or it is
// too old. What is to be said is then said anew.
func gone(err error) bool {
	return reason(err, "message_not_found", "edit_window_closed", "cant_update_message")
}

// threadGone: the thread cannot be added to.
func threadGone(err error) bool {
	return reason(err, "thread_not_found", "message_not_found", "restricted_action_thread_locked", "restricted_action_non_threadable_channel")
}

func reason(err error, words ...string) bool {
	e, ok := errors.AsType[*notify.Error](err)
	return ok && set(words...)[e.Reason]
}
