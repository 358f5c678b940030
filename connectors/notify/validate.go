package notify

import (
	"net/url"
	"path/filepath"
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
		return []Problem{{path, "a destination needs one of slack, webhook or terminal"}}
	case 1:
	default:
		return []Problem{{path, "a destination has one form; write one list entry for each"}}
	}
	switch {
	case d.Slack != nil:
		return validateSlack(path+".slack.webhook", d.Slack.Webhook)
	case d.Webhook != nil:
		return validateWebhook(path+".webhook.url", d.Webhook.URL)
	}
	return nil
}

func (d Destination) forms() (n int) {
	for _, set := range []bool{d.Slack != nil, d.Webhook != nil, d.Terminal != nil} {
		if set {
			n++
		}
	}
	return n
}

func validateSlack(field, value string) []Problem {
	switch {
	case value == "":
		return []Problem{{field, "missing; write a reference such as env:UNPARK_ACME_SLACK or file:acme-slack"}}
	case !IsReference(value):
		return []Problem{{field, "the address of a Slack webhook is a secret; put it into an environment variable and write env:UNPARK_..., or into a file under secrets_dir and write file:NAME"}}
	}
	return validateReference(field, value)
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
