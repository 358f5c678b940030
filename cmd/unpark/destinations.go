package main

import (
	"errors"
	"net/http"

	"unpark/connectors/notify"
	"unpark/connectors/notify/pagerduty"
	"unpark/connectors/notify/slack"
	"unpark/connectors/notify/teams"
	"unpark/connectors/notify/webhook"
	"unpark/internal/transport"
)

// connectionsToOne is how many destinations behind one host keep their connections;
// each uses one at a time.
const connectionsToOne = 100

// newClient returns the HTTP client that destinations share.
func newClient() *http.Client {
	t := transport.New()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, connectionsToOne
	return &http.Client{Transport: t}
}

// destinations chooses the notifier of a destination.
type destinations struct {
	client   *http.Client
	resolve  func(ref string) (string, error)
	terminal notify.Notifier
}

func (d destinations) build(dest notify.Destination) (notify.Notifier, error) {
	switch {
	case dest.Slack != nil && dest.Slack.BotToken != "":
		return slack.NewBot(*dest.Slack, d.resolve, d.client), nil
	case dest.Slack != nil:
		return slack.NewWebhook(*dest.Slack, d.resolve, d.client), nil
	case dest.Teams != nil:
		return teams.New(*dest.Teams, d.resolve, d.client), nil
	case dest.PagerDuty != nil:
		return pagerduty.New(*dest.PagerDuty, d.resolve, d.client), nil
	case dest.Webhook != nil:
		return webhook.New(*dest.Webhook, d.resolve, d.client), nil
	case dest.Terminal != nil:
		return d.terminal, nil
	}
	return nil, errors.New("a destination of no known form")
}
