package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"unpark/connectors/notify"
)

// Webhook posts to one incoming webhook.
type Webhook struct {
	address string
	resolve func(ref string) (string, error)
	client  *http.Client
}

// NewWebhook returns a Notifier for the webhook that c refers to. The reference is
// resolved for every message, so that a rotated secret needs no restart.
func NewWebhook(c notify.SlackConfig, resolve func(ref string) (string, error), client *http.Client) *Webhook {
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Webhook{address: c.Webhook, resolve: resolve, client: &own}
}

// perMessage is Slack's limit for a webhook and for a channel: one message a
// second, short bursts allowed (docs.slack.dev/apis/web-api/rate-limits).
const perMessage = time.Second

// Capabilities implements notify.Notifier.
func (*Webhook) Capabilities() notify.Capabilities {
	return notify.Capabilities{
		Kinds: notify.KindsOf(notify.Clear, notify.Retract, notify.Acknowledge, notify.Snooze, notify.Remind, notify.Digest),
		Every: perMessage, Burst: 1,
	}
}

// Notify implements notify.Notifier. A webhook does not say where its message is:
// there is no reference.
func (w *Webhook) Notify(ctx context.Context, m notify.Message) (notify.Reference, error) {
	address, err := notify.Address(w.address, w.resolve)
	if err != nil {
		return "", err
	}
	t := notify.Render(m)
	body, err := encode(fallback(t), blocks(t, linked(t)...))
	if err != nil {
		return "", notify.Permanent("encode", err)
	}
	answer, err := notify.Post(ctx, w.client, address, http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return "", wrap(err)
	}
	return "", check(answer)
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

// refusals are the words that Slack is known to answer to a webhook. Only they
// become reasons: the set is bounded, and nothing else that was answered is
// repeated.
var refusals = map[string]bool{
	"action_prohibited":                       true,
	"channel_is_archived":                     true,
	"channel_not_found":                       true,
	"invalid_blocks":                          true,
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
	"too_many_attachments":                    true,
	"user_not_found":                          true,
}
