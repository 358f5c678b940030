package notify

// Destination is one place an escalation is told to. Exactly one form is set.
type Destination struct {
	Slack    *SlackConfig    `json:"slack,omitempty" yaml:"slack"`
	Webhook  *WebhookConfig  `json:"webhook,omitempty" yaml:"webhook"`
	Terminal *TerminalConfig `json:"terminal,omitempty" yaml:"terminal"`
}

// SlackConfig is a Slack incoming webhook.
type SlackConfig struct {
	// Webhook is a reference to the address, which is a secret: env:UNPARK_... or
	// file:NAME under secrets_dir.
	Webhook string `json:"webhook" yaml:"webhook"`
}

// WebhookConfig is a generic webhook: the escalation record, posted as JSON.
type WebhookConfig struct {
	// URL is the address, or a reference to it.
	URL string `json:"url" yaml:"url"`
}

// TerminalConfig prints a line to standard output.
type TerminalConfig struct{}

// Type names the destination's form; it is a metric label.
func (d Destination) Type() string {
	switch {
	case d.Slack != nil:
		return "slack"
	case d.Webhook != nil:
		return "webhook"
	case d.Terminal != nil:
		return "terminal"
	}
	return "unknown"
}

// key is equal for equal destinations, so that two routes to one channel share
// its queue.
func (d Destination) key() string {
	switch {
	case d.Slack != nil:
		return "slack\x00" + d.Slack.Webhook
	case d.Webhook != nil:
		return "webhook\x00" + d.Webhook.URL
	}
	return d.Type()
}
