// Package teams tells of escalations in Microsoft Teams, with an Adaptive Card
// posted to a workflow ("when a Teams webhook request is received").
//
// The card's texts are RichTextBlocks: a TextRun knows no formatting, so that
// nobody's name can add a link or a mention, which a TextBlock with its Markdown
// would allow. go-teams-notify cannot say them; tests read the cards with it.
//
// Reads: nothing.
// Writes: Microsoft Teams.
package teams

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"unpark/connectors/notify"
)

// Notifier posts to one workflow.
type Notifier struct {
	webhook string
	resolve func(ref string) (string, error)
	client  *http.Client
}

// New returns a Notifier for the workflow that c refers to. The reference is
// resolved for every message, so that a rotated secret needs no restart.
func New(c notify.TeamsConfig, resolve func(ref string) (string, error), client *http.Client) *Notifier {
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Notifier{webhook: c.Webhook, resolve: resolve, client: &own}
}

// Capabilities implements notify.Notifier. Teams takes four requests a second
// (learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors).
func (*Notifier) Capabilities() notify.Capabilities {
	return notify.Capabilities{
		Kinds: notify.KindsOf(notify.Clear, notify.Retract, notify.Acknowledge, notify.Snooze, notify.Remind, notify.Digest),
		Every: 250 * time.Millisecond, Burst: 4,
	}
}

// Notify implements notify.Notifier. A workflow does not say where its message is:
// there is no reference.
func (n *Notifier) Notify(ctx context.Context, m notify.Message) (notify.Reference, error) {
	address, err := notify.Address(n.webhook, n.resolve)
	if err != nil {
		return "", err
	}
	body, err := encode(notify.Render(m))
	if err != nil {
		return "", notify.Permanent("encode", err)
	}
	answer, err := notify.Post(ctx, n.client, address, http.Header{"Content-Type": {"application/json"}}, body)
	if err == nil {
		err = answer.Err()
	}
	if e, ok := errors.AsType[*notify.Error](err); ok {
		e.Err = fmt.Errorf("teams: %w", e.Err)
	}
	return "", err
}
