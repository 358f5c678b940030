package main

import (
	"errors"
	"net/http"

	"unpark/connectors/notify"
	"unpark/connectors/notify/slack"
	"unpark/connectors/notify/webhook"
)

// destinations chooses the notifier of a destination.
type destinations struct {
	client   *http.Client
	resolve  func(ref string) (string, error)
	terminal notify.Notifier
}

func (d destinations) build(dest notify.Destination) (notify.Notifier, error) {
	switch {
	case dest.Slack != nil:
		return slack.New(*dest.Slack, d.resolve, d.client), nil
	case dest.Webhook != nil:
		return webhook.New(*dest.Webhook, d.resolve, d.client), nil
	case dest.Terminal != nil:
		return d.terminal, nil
	}
	return nil, errors.New("a destination of no known form")
}
