// Package pagerduty opens, acknowledges and resolves alerts in PagerDuty (Events
// API v2).
//
// Each alert has its own deduplication key, so that an event sent twice does not
// page twice. It takes the event types from go-pagerduty and posts with net/http,
// as the other destinations do: the library's client does not tell Retry-After.
//
// Reads: nothing.
// Writes: PagerDuty.
package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/PagerDuty/go-pagerduty"

	"unpark/connectors/notify"
)

const defaultAPI = "https://events.pagerduty.com"

// Notifier sends events to one service.
type Notifier struct {
	config  notify.PagerDutyConfig
	resolve func(ref string) (string, error)
	client  *http.Client
}

// New returns a Notifier for the service that c refers to. The key is resolved for
// every event, so that a rotated one needs no restart.
func New(c notify.PagerDutyConfig, resolve func(ref string) (string, error), client *http.Client) *Notifier {
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Notifier{config: c, resolve: resolve, client: &own}
}

// Capabilities implements notify.Notifier. PagerDuty reminds and groups by itself, and
// each alert opens and ends under its own key: in a digest that was parted the ends
// would resolve what was never opened. It takes 120 events in any minute and key
// (developer.pagerduty.com, Events API v2): 60 at once, and 60 in the minute after.
func (*Notifier) Capabilities() notify.Capabilities {
	return notify.Capabilities{
		Kinds:  notify.KindsOf(notify.Clear, notify.Retract, notify.Acknowledge, notify.Snooze),
		Update: true, Idempotent: true, Every: time.Second, Burst: 60,
	}
}

// Notify implements notify.Notifier. References are deduplication keys.
func (n *Notifier) Notify(ctx context.Context, m notify.Message) (notify.Reference, error) {
	key, err := notify.Address(n.config.RoutingKey, n.resolve)
	if err != nil {
		return "", err
	}
	event := event(m)
	event.RoutingKey = key
	body, err := json.Marshal(event)
	if err != nil {
		return "", notify.Permanent("encode", err)
	}
	address := strings.TrimSuffix(cmp.Or(n.config.API, defaultAPI), "/") + "/v2/enqueue"
	answer, err := notify.Post(ctx, n.client, address, http.Header{"Content-Type": {"application/json"}}, body)
	if err == nil {
		err = check(answer)
	}
	if e, ok := errors.AsType[*notify.Error](err); ok {
		e.Err = fmt.Errorf("pagerduty: %w", e.Err)
	}
	return notify.Reference(event.DedupKey), err
}

// check reads PagerDuty's answer: 202 and status success.
func check(a *notify.Answer) error {
	if err := a.Err(); err != nil {
		return err
	}
	var said pagerduty.V2EventResponse
	if json.Unmarshal(a.Body, &said) != nil || said.Status != "success" {
		return notify.Retryable("unexpected_answer", errors.New("answered 2xx without its success"))
	}
	return nil
}
