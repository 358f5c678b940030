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

func TestSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Destination{
		Twin:     func() notifytest.Twin { return new(notifytest.Webhook) },
		Volatile: []string{"Webhook-Timestamp", "Webhook-Signature"},
		New: func(to notifytest.Target) notify.Notifier {
			return webhook.New(notify.WebhookConfig{URL: notifytest.Reference, Secret: "env:UNPARK_KEY"}, key(to.Resolve), to.Client)
		},
	})
}

// key adds the webhook's key to what can be resolved.
func key(resolve func(string) (string, error)) func(string) (string, error) {
	return func(ref string) (string, error) {
		if ref == "env:UNPARK_KEY" {
			return notifytest.WebhookKey, nil
		}
		return resolve(ref)
	}
}

func TestPlainAddressIsNotResolved(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	resolve := func(string) (string, error) { return "", errors.New("not asked for") }
	if _, err := webhook.New(notify.WebhookConfig{URL: s.URL}, resolve, s.Client()).Notify(t.Context(), notifytest.Message(t)); err != nil {
		t.Error(err)
	}
}

func TestErrorNamesTheHost(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer s.Close()
	n := webhook.New(notify.WebhookConfig{URL: strings.Replace(s.URL, "//", "//user:pass@", 1) + "/in?t=1"}, nil, s.Client())
	_, err := n.Notify(t.Context(), notifytest.Message(t))
	if got, want := err.Error(), "http_418: POST "+s.URL+": answered 418 I'm a teapot"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRedirectOnTheSameHost(t *testing.T) {
	for status, wantErr := range map[int]bool{http.StatusPermanentRedirect: false, http.StatusTemporaryRedirect: false, http.StatusFound: true} {
		posts := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/old" {
				http.Redirect(w, r, "/new", status)
				return
			}
			if r.Method == http.MethodPost && r.ContentLength > 0 {
				posts++
			}
		}))
		_, err := webhook.New(notify.WebhookConfig{URL: s.URL + "/old"}, nil, s.Client()).Notify(t.Context(), notifytest.Message(t))
		s.Close()
		if (err != nil) != wantErr || (posts == 1) == wantErr {
			t.Errorf("%d: got error %v and %d posts, want an error: %v", status, err, posts, wantErr)
		}
	}
}
