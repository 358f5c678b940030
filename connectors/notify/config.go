package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"

	"unpark/schemas"
)

// Destination is one place an escalation is told to. Exactly one form is set.
type Destination struct {
	Slack     *SlackConfig     `json:"slack,omitempty" yaml:"slack"`
	Teams     *TeamsConfig     `json:"teams,omitempty" yaml:"teams"`
	PagerDuty *PagerDutyConfig `json:"pagerduty,omitempty" yaml:"pagerduty"`
	Webhook   *WebhookConfig   `json:"webhook,omitempty" yaml:"webhook"`
	Terminal  *TerminalConfig  `json:"terminal,omitempty" yaml:"terminal"`
	// Every is the least time between two messages; nil is the destination's own
	// (Slack: 1s; webhooks: none).
	Every *schemas.Duration `json:"every,omitempty" yaml:"every"`
}

// SlackConfig is a channel in Slack, reached through an incoming webhook or by a
// bot. All but Channel and API are references to secrets: env:UNPARK_... or
// file:NAME under secrets_dir.
type SlackConfig struct {
	// Webhook is the address of an incoming webhook. It can only post.
	Webhook string `json:"webhook,omitempty" yaml:"webhook"`
	// BotToken (xoxb-...) is that of a bot in Channel, with the scope chat:write.
	BotToken string `json:"botToken,omitempty" yaml:"bot_token"`
	// Channel is the channel's id: C0123456789.
	Channel string `json:"channel,omitempty" yaml:"channel"`
	// AppToken (xapp-...) has buttons pressed come through Socket Mode, which needs
	// no address that Slack can reach; SigningSecret has them come to
	// /slack/interactions of this process. Without either there are no buttons.
	AppToken      string `json:"appToken,omitempty" yaml:"app_token"`
	SigningSecret string `json:"signingSecret,omitempty" yaml:"signing_secret"`
	// API is the address of another Slack than slack.com, such as
	// https://slack-gov.com/api/.
	API string `json:"api,omitempty" yaml:"api"`
}

// TeamsConfig is a channel or chat in Microsoft Teams, reached through the
// "when a Teams webhook request is received" trigger of a workflow.
type TeamsConfig struct {
	// Webhook is a reference to the workflow's address, which is a secret.
	Webhook string `json:"webhook" yaml:"webhook"`
}

// PagerDutyConfig is a service in PagerDuty.
type PagerDutyConfig struct {
	// RoutingKey is a reference to the integration key (Events API v2).
	RoutingKey string `json:"routingKey" yaml:"routing_key"`
	// API is the address of another region, such as
	// https://events.eu.pagerduty.com.
	API string `json:"api,omitempty" yaml:"api"`
}

// WebhookConfig is a generic webhook: the escalation record, posted as JSON.
type WebhookConfig struct {
	// URL is the address, or a reference to it.
	URL string `json:"url" yaml:"url"`
	// Secret is a reference to the key that requests are signed with, written as
	// Standard Webhooks has it (whsec_...); without one they are not signed.
	Secret string `json:"secret,omitempty" yaml:"secret"`
}

// References returns the references to secrets of the destination, by their field.
func (d Destination) References() map[string]string {
	all := map[string]string{}
	switch {
	case d.Slack != nil:
		all["slack.webhook"], all["slack.bot_token"] = d.Slack.Webhook, d.Slack.BotToken
		all["slack.app_token"], all["slack.signing_secret"] = d.Slack.AppToken, d.Slack.SigningSecret
	case d.Teams != nil:
		all["teams.webhook"] = d.Teams.Webhook
	case d.PagerDuty != nil:
		all["pagerduty.routing_key"] = d.PagerDuty.RoutingKey
	case d.Webhook != nil:
		all["webhook.url"], all["webhook.secret"] = d.Webhook.URL, d.Webhook.Secret
	}
	maps.DeleteFunc(all, func(_, value string) bool { return !IsReference(value) })
	return all
}

// TerminalConfig prints a line to standard output.
type TerminalConfig struct{}

// Type names the destination's form; it is a metric label.
func (d Destination) Type() string {
	switch {
	case d.Slack != nil:
		return "slack"
	case d.Teams != nil:
		return "teams"
	case d.PagerDuty != nil:
		return "pagerduty"
	case d.Webhook != nil:
		return "webhook"
	case d.Terminal != nil:
		return "terminal"
	}
	return "unknown"
}

// address is a fingerprint of a destination, the same for equal ones, so that two routes
// to one channel share its queue, and what was told is found where it stands now. It
// holds no secret: references only, or an address that the configuration has in plain
// words.
func (d Destination) address() string {
	var parts []string
	switch {
	case d.Slack != nil:
		parts = []string{d.Slack.Webhook, d.Slack.BotToken, d.Slack.Channel, d.Slack.API}
	case d.Teams != nil:
		parts = []string{d.Teams.Webhook}
	case d.PagerDuty != nil:
		parts = []string{d.PagerDuty.RoutingKey, d.PagerDuty.API}
	case d.Webhook != nil:
		parts = []string{d.Webhook.URL, d.Webhook.Secret}
	}
	sum := sha256.Sum256([]byte(d.Type() + "\x00" + strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}
