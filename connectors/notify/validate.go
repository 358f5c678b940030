package notify

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
)

// Problem is one thing wrong with a configuration.
type Problem struct {
	// Field is the path of the field below routes, such as
	// managers[0].slack.webhook.
	Field string
	// Message says what is wrong and what to write instead. It never repeats the
	// value, which may be a secret.
	Message string
}

func (p Problem) String() string { return p.Field + ": " + p.Message }

func (d Destination) validate(path string) []Problem {
	switch d.forms() {
	case 0:
		return []Problem{{path, "a destination needs one of slack, teams, pagerduty, webhook or terminal"}}
	case 1:
	default:
		return []Problem{{path, "a destination has one form; write one list entry for each"}}
	}
	switch {
	case d.Slack != nil:
		return d.Slack.validate(path + ".slack")
	case d.Teams != nil:
		return validateSecret(path+".teams.webhook", d.Teams.Webhook, "the address of a Teams workflow", "UNPARK_ACME_TEAMS")
	case d.PagerDuty != nil:
		return append(validateSecret(path+".pagerduty.routing_key", d.PagerDuty.RoutingKey, "a PagerDuty integration key", "UNPARK_ACME_PAGERDUTY"),
			validateAPI(path+".pagerduty.api", d.PagerDuty.API)...)
	case d.Webhook != nil:
		return d.Webhook.validate(path + ".webhook")
	}
	return nil
}

func (d Destination) forms() (n int) {
	for _, set := range []bool{d.Slack != nil, d.Teams != nil, d.PagerDuty != nil, d.Webhook != nil, d.Terminal != nil} {
		if set {
			n++
		}
	}
	return n
}

// channelID is Slack's id of a channel or of a direct message; names move.
var channelID = regexp.MustCompile(`^[CGD][A-Z0-9]{5,20}$`)

func (c SlackConfig) validate(path string) []Problem {
	if c.BotToken == "" {
		if c.Channel != "" || c.AppToken != "" || c.SigningSecret != "" || c.API != "" {
			return []Problem{{path, "channel, app_token, signing_secret and api are a bot's; write bot_token too"}}
		}
		return validateSecret(path+".webhook", c.Webhook, "the address of a Slack webhook", "UNPARK_ACME_SLACK")
	}
	ps := validateSecret(path+".bot_token", c.BotToken, "a bot's token", "UNPARK_ACME_SLACK_BOT")
	if c.Webhook != "" {
		ps = append(ps, Problem{path, "webhook and bot_token are two forms; write one"})
	}
	if !channelID.MatchString(c.Channel) {
		ps = append(ps, Problem{path + ".channel", "no channel id; write it as Slack shows it below a channel's details, such as C0123456789"})
	}
	if c.AppToken != "" {
		ps = append(ps, validateSecret(path+".app_token", c.AppToken, "an app's token", "UNPARK_ACME_SLACK_APP")...)
	}
	if c.SigningSecret != "" {
		ps = append(ps, validateSecret(path+".signing_secret", c.SigningSecret, "a signing secret", "UNPARK_ACME_SLACK_SIGNING")...)
	}
	return append(ps, validateAPI(path+".api", c.API)...)
}

func (c WebhookConfig) validate(path string) []Problem {
	ps := validateWebhook(path+".url", c.URL)
	if c.Secret != "" {
		ps = append(ps, validateSecret(path+".secret", c.Secret, "the key of a webhook", "UNPARK_ACME_WEBHOOK_KEY")...)
	}
	return ps
}

// validateSecret wants a reference: what is such a secret, and example a variable
// that could hold it.
func validateSecret(field, value, what, example string) []Problem {
	switch {
	case value == "":
		return []Problem{{field, "missing; write a reference such as env:" + example + " or file:NAME"}}
	case !IsReference(value):
		return []Problem{{field, what + " is a secret; put it into an environment variable and write env:UNPARK_..., or into a file under secrets_dir and write file:NAME"}}
	}
	return validateReference(field, value)
}

// validateAPI wants https, since tokens are sent there, but for this machine.
func validateAPI(field, value string) []Problem {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost") {
		return []Problem{{field, "no address; write https://..."}}
	}
	return nil
}

func validateWebhook(field, value string) []Problem {
	if IsReference(value) {
		return validateReference(field, value)
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return []Problem{{field, "no address; write https://..., or a reference such as env:UNPARK_ACME_WEBHOOK or file:acme-webhook"}}
	case u.User != nil:
		return []Problem{{field, "the address holds a password; put the whole address into a secret and write env:UNPARK_... or file:NAME"}}
	case u.Hostname() == "hooks.slack.com":
		return []Problem{{field, "this is a Slack webhook, whose address is a secret; write slack: {webhook: env:UNPARK_...} instead"}}
	}
	return nil
}

// IsReference reports whether a value is a reference to a secret.
func IsReference(value string) bool {
	return strings.HasPrefix(value, "env:") || strings.HasPrefix(value, "file:")
}

// validateReference keeps references to what belongs to unpark: whoever may write
// an org's rules must not be able to read the host with them.
func validateReference(field, value string) []Problem {
	if name, ok := strings.CutPrefix(value, "env:"); ok && (!strings.HasPrefix(name, "UNPARK_") || name == "UNPARK_") {
		return []Problem{{field, "only environment variables that begin with UNPARK_ are read; write env:UNPARK_..."}}
	}
	if name, ok := strings.CutPrefix(value, "file:"); ok && !filepath.IsLocal(name) {
		return []Problem{{field, "only files under secrets_dir are read; write file:NAME with a path relative to it"}}
	}
	return nil
}
