package webhook_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"unpark/connectors/notify"
	"unpark/connectors/notify/notifytest"
	"unpark/connectors/notify/webhook"
)

func TestSigned(t *testing.T) {
	for _, c := range []struct {
		name, key string
		taken     bool
		reason    string
	}{
		{"the receiver's key", notifytest.WebhookKey, true, ""},
		{"another key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAA", false, "http_401"},
		{"no key at all", "whsec_TOP-SECRET", false, "bad_secret"},
		{"a key too short", "whsec_TUlOSQ==", false, "bad_secret"},
	} {
		twin := new(notifytest.Webhook)
		server := httptest.NewServer(twin)
		n := webhook.New(notify.WebhookConfig{URL: server.URL, Secret: "env:UNPARK_KEY"}, func(string) (string, error) { return c.key, nil }, server.Client())
		_, err := n.Notify(t.Context(), notifytest.Message(t))
		server.Close()
		if c.taken != (err == nil) || c.taken != (len(twin.IDs()) == 1) {
			t.Errorf("%s: got %v, %d taken", c.name, err, len(twin.IDs()))
		}
		if e, ok := errors.AsType[*notify.Error](err); !c.taken && (!ok || e.Reason != c.reason || !e.Permanent || strings.Contains(err.Error(), c.key)) {
			t.Errorf("%s: got %v, want reason %s without the key", c.name, err, c.reason)
		}
	}
}

// Every attempt at a message has its id, by which the receiver knows it again;
// another message has another.
func TestMessageID(t *testing.T) {
	twin := new(notifytest.Webhook)
	server := httptest.NewServer(twin)
	defer server.Close()
	n := webhook.New(notify.WebhookConfig{URL: server.URL, Secret: "env:UNPARK_KEY"}, func(string) (string, error) { return notifytest.WebhookKey, nil }, server.Client())
	m := notifytest.Message(t)
	for _, m := range []notify.Message{m, m, notifytest.Become(t, m, notify.Clear, "")} {
		if _, err := n.Notify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	ids := twin.IDs()
	if ids[0] != ids[1] || ids[1] == ids[2] || strings.ContainsAny(ids[0], "./ ") {
		t.Errorf("got ids %q, want the first two equal, without a dot", ids)
	}
}

func TestTryIsMarked(t *testing.T) {
	for test, want := range map[bool]string{true: "true", false: ""} {
		got := "nothing came"
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("ce-unparktest") }))
		m := notifytest.Message(t)
		m.Test = test
		_, err := webhook.New(notify.WebhookConfig{URL: server.URL}, nil, server.Client()).Notify(t.Context(), m)
		server.Close()
		if err != nil || got != want {
			t.Errorf("a try %v: got %v, header %q, want %q", test, err, got, want)
		}
	}
}
