// Package slack tells of escalations in a Slack channel, through an incoming
// webhook.
//
// It posts with net/http and takes only the message types from slack-go: that
// library's PostWebhook drops the word with which Slack explains a refusal, knows
// Retry-After for 429 alone, and its errors repeat the address, which is the
// secret.
//
// Reads: nothing.
// Writes: Slack.
package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"

	"unpark/connectors/notify"
)

// Notifier posts to one incoming webhook.
type Notifier struct {
	webhook string
	resolve func(ref string) (string, error)
	client  *http.Client
}

// New returns a Notifier for the webhook that c refers to. The reference is
// resolved for every message, so that a rotated secret needs no restart.
func New(c notify.SlackConfig, resolve func(ref string) (string, error), client *http.Client) *Notifier {
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Notifier{webhook: c.Webhook, resolve: resolve, client: &own}
}

// Capabilities implements notify.Notifier. An incoming webhook cannot change what
// it posted; Slack asks for at most one message a second.
func (n *Notifier) Capabilities() notify.Capabilities {
	return notify.Capabilities{
		Kinds: notify.KindsOf(notify.Clear, notify.Retract, notify.Remind, notify.Digest),
		Every: time.Second, Burst: 1,
	}
}

// Notify implements notify.Notifier. There is nothing to refer to later.
func (n *Notifier) Notify(ctx context.Context, m notify.Message) (notify.Reference, error) {
	return "", n.post(ctx, m)
}

func (n *Notifier) post(ctx context.Context, m notify.Message) error {
	address, err := notify.Address(n.webhook, n.resolve)
	if err != nil {
		return err
	}
	body, err := json.Marshal(slackapi.WebhookMessage{Text: escape(notify.Render(m).String())})
	if err != nil {
		return notify.Permanent("encode", err)
	}
	answer, err := notify.Post(ctx, n.client, address, http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return wrap(err)
	}
	return check(answer)
}

// check reads Slack's answer: "ok", or one word that says what is wrong.
func check(a *notify.Answer) error {
	word := strings.TrimSpace(string(a.Body))
	err := a.Err()
	if err == nil {
		if word == "ok" {
			return nil
		}
		return notify.Retryable("unexpected_answer", errors.New("slack: answered 2xx without its ok"))
	}
	if e, ok := errors.AsType[*notify.Error](err); ok && refusals[word] {
		e.Reason = word
	}
	return wrap(err)
}

func wrap(err error) error {
	if e, ok := errors.AsType[*notify.Error](err); ok {
		e.Err = fmt.Errorf("slack: %w", e.Err)
	}
	return err
}

// refusals are the words that Slack is known to answer. Only they become reasons:
// the set is bounded, and nothing else that was answered is repeated.
var refusals = map[string]bool{
	"action_prohibited":                       true,
	"channel_is_archived":                     true,
	"channel_not_found":                       true,
	"invalid_payload":                         true,
	"invalid_token":                           true,
	"missing_text_or_fallback_or_attachments": true,
	"no_active_hooks":                         true,
	"no_service":                              true,
	"no_service_id":                           true,
	"no_team":                                 true,
	"no_text":                                 true,
	"posting_to_general_channel_denied":       true,
	"rate_limited":                            true,
	"rollup_error":                            true,
	"team_disabled":                           true,
	"user_not_found":                          true,
}

// escape keeps text from being read as mentions or links: <!channel> in the name
// of a queue would wake everybody.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
