package slack_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack/slacktest"

	"unpark/connectors/notify"
	"unpark/connectors/notify/notifytest"
	"unpark/connectors/notify/slack"
)

// pressed is an alert in a channel, and where its message is.
func pressed(t *testing.T) (twin *notifytest.Slack, ts string) {
	twin, bot := channel(t)
	_, ts, _ = strings.Cut(string(tell(t, bot, notifytest.Message(t))), "/")
	return twin, ts
}

var (
	wantAcknowledge = notify.Interaction{Escalation: "0000000000000000000000000000000a", Conversation: "c-1", By: "grace"}
	wantSnooze      = notify.Interaction{Escalation: "0000000000000000000000000000000a", Conversation: "c-1", By: "grace", Snooze: time.Hour}
)

func TestEndpoint(t *testing.T) {
	twin, ts := pressed(t)
	acknowledge, err := twin.Press(ts, "unpark_acknowledge", "grace")
	if err != nil {
		t.Fatal(err)
	}
	snooze, err := twin.Press(ts, "unpark_snooze_1h", "grace")
	if err != nil {
		t.Fatal(err)
	}
	const other = "another app's signing secret"
	for _, c := range []struct {
		name    string
		payload string
		secret  string
		age     time.Duration
		broken  bool
		status  int
		want    []notify.Interaction
	}{
		{name: "acknowledge", payload: string(acknowledge), secret: notifytest.SlackSigningSecret, status: 200, want: []notify.Interaction{wantAcknowledge}},
		{name: "snooze, of another app", payload: string(snooze), secret: other, status: 200, want: []notify.Interaction{wantSnooze}},
		{name: "forged", payload: string(acknowledge), secret: "guessed", status: 401},
		{name: "replayed", payload: string(acknowledge), secret: notifytest.SlackSigningSecret, age: 6 * time.Minute, status: 401},
		{name: "not taken", payload: string(acknowledge), secret: notifytest.SlackSigningSecret, broken: true, status: 503},
		{name: "no payload", payload: "{", secret: notifytest.SlackSigningSecret, status: 400},
		{name: "a button of somebody else", payload: `{"type":"block_actions","actions":[{"action_id":"x","type":"button","value":"{}"}]}`, secret: notifytest.SlackSigningSecret, status: 200},
		{name: "our button without an alert", payload: `{"type":"block_actions","actions":[{"action_id":"unpark_acknowledge","type":"button","value":"{}"}]}`, secret: notifytest.SlackSigningSecret, status: 200},
		{name: "something else", payload: `{"type":"view_submission","view":{}}`, secret: notifytest.SlackSigningSecret, status: 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []notify.Interaction
			h := slack.Endpoint(func() []string { return []string{other, notifytest.SlackSigningSecret} }, func(_ context.Context, i notify.Interaction) error {
				if c.broken {
					return errors.New("no brokers")
				}
				got = append(got, i)
				return nil
			})
			w := httptest.NewRecorder()
			h.ServeHTTP(w, notifytest.Signed(t.Context(), "http://unpark.example/slack/interactions", []byte(c.payload), c.secret, time.Now().Add(-c.age)))
			if w.Code != c.status {
				t.Errorf("answered %d, want %d", w.Code, c.status)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("interactions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEndpointRefusesUnsigned(t *testing.T) {
	h := slack.Endpoint(func() []string { return []string{"", notifytest.SlackSigningSecret} }, func(context.Context, notify.Interaction) error {
		t.Error("taken")
		return nil
	})
	signed := func() *http.Request {
		return notifytest.Signed(t.Context(), "http://unpark.example/", []byte("{}"), notifytest.SlackSigningSecret, time.Now())
	}
	get, long, bare := signed(), signed(), signed()
	get.Method = http.MethodGet
	long.Body = http.NoBody
	bare.Header.Del("X-Slack-Signature")
	for name, c := range map[string]struct {
		r    *http.Request
		want int
	}{"a GET": {get, 405}, "another body": {long, 401}, "no signature": {bare, 401}} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, c.r)
		if w.Code != c.want {
			t.Errorf("%s: answered %d, want %d", name, w.Code, c.want)
		}
	}
}

// Buttons pressed come through Socket Mode, are said to have arrived once they are
// taken, and come again over the next connection after one is lost.
func TestSocketMode(t *testing.T) {
	twin, ts := pressed(t)
	server := slacktest.NewTestServer(twin.Bind)
	server.Start()
	defer server.Stop()
	var logs bytes.Buffer
	took := make(chan notify.Interaction, 2)
	sockets := slack.Sockets{
		Destinations: func() []notify.SlackConfig {
			one := notify.SlackConfig{AppToken: "env:UNPARK_APP", API: server.GetAPIURL()}
			return []notify.SlackConfig{one, {Webhook: "env:UNPARK_HOOK"}, one}
		},
		Resolve:  func(string) (string, error) { return notifytest.SlackAppToken, nil },
		Interact: func(_ context.Context, i notify.Interaction) error { took <- i; return nil },
		Log:      slog.New(slog.NewTextHandler(&logs, nil)), Every: time.Millisecond,
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	ran := make(chan error, 1)
	go func() { ran <- sockets.Run(ctx) }()
	for i, button := range []string{"unpark_acknowledge", "unpark_snooze_1h"} {
		conn, err := twin.Connection(ctx)
		if err != nil {
			t.Fatal(err)
		}
		payload, err := twin.Press(ts, button, "grace")
		if err != nil {
			t.Fatal(err)
		}
		if err := notifytest.Deliver(conn, "57d6a792-4d35-4d0b-b6aa-3361493e1caf", payload, 30*time.Second); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]notify.Interaction{wantAcknowledge, wantSnooze}[i], <-took); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		conn.Close()
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if strings.Contains(logs.String(), "TOP-SECRET") {
		t.Errorf("the log tells a secret:\n%s", &logs)
	}
}

// A token that is refused is said, without the token, and holds up nothing.
func TestSocketModeRefused(t *testing.T) {
	twin := notifytest.NewSlack()
	server := slacktest.NewTestServer(twin.Bind)
	server.Start()
	defer server.Stop()
	said := make(chan string, 100)
	sockets := slack.Sockets{
		Destinations: func() []notify.SlackConfig {
			return []notify.SlackConfig{{AppToken: "env:UNPARK_APP", API: server.GetAPIURL()}}
		},
		Resolve:  func(string) (string, error) { return "xapp-TOP-SECRET-revoked", nil },
		Interact: func(context.Context, notify.Interaction) error { return nil },
		Log:      slog.New(slog.NewTextHandler(channelWriter(said), nil)), Every: time.Hour,
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- sockets.Run(ctx) }()
	if line := <-said; !strings.Contains(line, "not connected") || strings.Contains(line, "TOP-SECRET") {
		t.Errorf("said %q", line)
	}
	cancel()
	<-ran
}

type channelWriter chan string

func (w channelWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}
