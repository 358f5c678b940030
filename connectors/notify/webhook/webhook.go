// Package webhook posts escalations to an address of the org's choice: the JSON
// record as it stands on the topic, with CloudEvents headers (HTTP protocol
// binding 1.0, binary mode), and signed as Standard Webhooks has it
// (www.standardwebhooks.com).
//
// A program is told facts: raised, cleared, retracted. What people do about an
// alert, and how many there are, is not its concern.
//
// Reads: nothing.
// Writes: the configured address.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"unpark/connectors/notify"
	"unpark/schemas"
)

// maxRedirects bounds a loop within one host.
const maxRedirects = 3

// Notifier posts to one address.
type Notifier struct {
	config  notify.WebhookConfig
	resolve func(ref string) (string, error)
	client  *http.Client
}

// New returns a Notifier for the address that c holds or refers to. A reference
// is resolved for every message, so that a rotated secret needs no restart.
func New(c notify.WebhookConfig, resolve func(ref string) (string, error), client *http.Client) *Notifier {
	own := *client
	own.CheckRedirect = checkRedirect
	return &Notifier{config: c, resolve: resolve, client: &own}
}

// checkRedirect follows only what still posts the record to whom it is meant
// for. Anything else is left as the answer, a 3xx, which is permanent.
func checkRedirect(req *http.Request, via []*http.Request) error {
	from := via[len(via)-1]
	if req.Method != http.MethodPost || req.URL.Host != from.URL.Host || req.URL.Scheme != from.URL.Scheme || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// Capabilities implements notify.Notifier. Each message has an id of its own, by
// which a receiver knows what came twice.
func (n *Notifier) Capabilities() notify.Capabilities {
	return notify.Capabilities{Kinds: notify.KindsOf(notify.Clear, notify.Retract), Idempotent: true}
}

// Notify implements notify.Notifier. There is nothing to refer to later.
func (n *Notifier) Notify(ctx context.Context, m notify.Message) (notify.Reference, error) {
	address, err := notify.Address(n.config.URL, n.resolve)
	if err != nil {
		return "", err
	}
	h := headers(m)
	if err := n.sign(h, m); err != nil {
		return "", err
	}
	answer, err := notify.Post(ctx, n.client, address, h, m.Value)
	if err == nil {
		err = answer.Err()
	}
	if e, ok := errors.AsType[*notify.Error](err); ok {
		e.Err = fmt.Errorf("POST %s: %w", redacted(address), e.Err)
	}
	return "", err
}

// redacted is what may be said of an address: the path and the query may hold
// tokens.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "webhook" // no address at all, so it may be any secret
	}
	return u.Scheme + "://" + u.Host
}

// names are those that headers of HTTP have of the record's.
var names = func() map[string]string {
	all := map[string]string{}
	for _, one := range schemas.EscalationHeaders(new(schemas.Escalation)) {
		all[one.Key] = http.CanonicalHeaderKey(strings.Replace(one.Key, "ce_", "ce-", 1))
	}
	return all
}()

// headers turns the record's Kafka headers into those of HTTP. A try is marked.
func headers(m notify.Message) http.Header {
	h := make(http.Header, 16)
	for _, one := range schemas.EscalationHeaders(m.Escalation) {
		value := string(one.Value)
		if strings.HasPrefix(one.Key, "ce_") {
			value = encode(value)
		}
		h[names[one.Key]] = []string{value}
	}
	if m.Test {
		h.Set("ce-unparktest", "true")
	}
	return h
}

// encode percent-encodes what a header cannot hold, as the binding asks for
// (section 3.1.3.2).
func encode(s string) string {
	special := func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '%' }
	if !strings.ContainsFunc(s, special) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; special(rune(c)) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
