package main

import (
	"net/http"

	"unpark/config"
	"unpark/connectors/notify"
	"unpark/connectors/notify/slack"
)

// slackInteractions is the Request URL of Slack apps without Socket Mode.
const slackInteractions = "/slack/interactions"

// buildInteractions lets people answer alerts: buttons pressed come through Slack's
// Socket Mode, or to an address that Slack can reach.
func (a *app) buildInteractions(interact slack.Interact) {
	resolve := a.resolver().Resolve
	apps := slackApps{a.orgs.Store}
	sockets := slack.Sockets{Destinations: apps.all, Resolve: resolve, Interact: interact, Log: a.component(roleNotifier)}
	a.parts = append(a.parts, part{name: "slack socket mode", run: sockets.Run})
	secrets := func() []string { return apps.signingSecrets(resolve) }
	a.pages = map[string]http.Handler{slackInteractions: slack.Endpoint(secrets, interact)}
}

// orgRules are the newest rules of all orgs.
type orgRules interface {
	newestRules
	Orgs() []string
}

// slackApps finds the Slack destinations in the newest rules of all orgs.
type slackApps struct{ orgs orgRules }

func (s slackApps) all() []notify.SlackConfig {
	var found []notify.SlackConfig
	for _, id := range s.orgs.Orgs() {
		data, _, ok := s.orgs.NewestRules(id)
		if !ok {
			continue
		}
		org, err := config.ParseOrg(data)
		if err != nil {
			continue // the processor refuses this version and says so
		}
		for _, route := range org.Routes {
			for _, d := range route.To {
				if d.Slack != nil {
					found = append(found, *d.Slack)
				}
			}
		}
	}
	return found
}

// signingSecrets returns each app's once. One that cannot be resolved verifies
// nothing.
func (s slackApps) signingSecrets(resolve func(ref string) (string, error)) []string {
	seen := map[string]bool{"": true}
	var secrets []string
	for _, d := range s.all() {
		if seen[d.SigningSecret] {
			continue
		}
		seen[d.SigningSecret] = true
		if secret, err := notify.Address(d.SigningSecret, resolve); err == nil {
			secrets = append(secrets, secret)
		}
	}
	return secrets
}
