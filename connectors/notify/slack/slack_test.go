package slack_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"unpark/connectors/notify"
	"unpark/connectors/notify/notifytest"
	"unpark/connectors/notify/slack"
)

func TestWebhookSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Destination{
		Taken: "ok",
		Twin:  func() notifytest.Twin { return webhookTwin{notifytest.NewSlack()} },
		New: func(to notifytest.Target) notify.Notifier {
			return slack.NewWebhook(notify.SlackConfig{Webhook: notifytest.Reference}, to.Resolve, to.Client)
		},
	})
}

// webhookTwin is the twin of Slack as an incoming webhook sees it.
type webhookTwin struct{ *notifytest.Slack }

func (webhookTwin) Secret() string { return "/services/T0123456789/B0123456789/TOP-SECRET" }

func TestBotSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Destination{
		Taken: `{"ok":true,"channel":"C0123456789","ts":"1767611710.000100"}`, Token: true,
		Twin: func() notifytest.Twin { return notifytest.NewSlack() },
		New: func(to notifytest.Target) notify.Notifier {
			c := notify.SlackConfig{BotToken: notifytest.Reference, Channel: "C0123456789", AppToken: "env:UNPARK_APP", API: to.URL}
			return slack.NewBot(c, to.Resolve, to.Client)
		},
	})
}

func TestWebhookAnswers(t *testing.T) {
	for _, c := range []struct {
		status    int
		body      string
		reason    string
		permanent bool
	}{
		{400, "invalid_payload", "invalid_payload", true},
		{404, "no_service", "no_service", true},
		{410, "channel_is_archived\n", "channel_is_archived", true},
		{403, "<html>who knows</html>", "http_403", true},
		{500, "rollup_error", "rollup_error", false},
		{200, "<html>a proxy's page</html>", "unexpected_answer", false},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		}))
		n := slack.NewWebhook(notify.SlackConfig{Webhook: "env:UNPARK_X"}, func(string) (string, error) { return s.URL, nil }, s.Client())
		_, err := n.Notify(t.Context(), notifytest.Message(t))
		s.Close()
		refused(t, c.body, err, c.reason, c.permanent)
	}
}

// refused checks the kind of an error.
func refused(t *testing.T, answer string, err error, reason string, permanent bool) {
	t.Helper()
	e, ok := errors.AsType[*notify.Error](err)
	if !ok || e.Reason != reason || e.Permanent != permanent {
		t.Errorf("%q: got %v, want reason %s, permanent %v", answer, err, reason, permanent)
	}
}
