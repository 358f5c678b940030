package notify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/connectors/notify"
	"unpark/connectors/notify/pagerduty"
	"unpark/connectors/notify/slack"
	"unpark/connectors/notify/teams"
	"unpark/connectors/notify/terminal"
	"unpark/connectors/notify/webhook"
	"unpark/schemas"
)

const token = "T000-TOP-SECRET"

type rules string

func (r rules) Rules(context.Context, string, string) ([]byte, bool, error) {
	return []byte(r), true, nil
}
func (r rules) NewestRules(string) ([]byte, bool)     { return []byte(r), true }
func (r rules) NewestSchedules(string) ([]byte, bool) { return nil, false }

// Every form of destination as cmd wires them, all failing but the terminal, and
// answering with the address they were asked at: what they were told with may not show
// in a log, a metric, a topic, on /readyz or in the errors of commands.
func TestNothingTellsTheSecret(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/slack") {
			http.Error(w, "no_service "+r.URL.String(), http.StatusNotFound)
			return
		}
		http.Error(w, r.URL.String(), http.StatusServiceUnavailable)
	}))
	defer server.Close()
	secrets := map[string]string{
		"env:UNPARK_SLACK":  server.URL + "/slack/" + token,
		"env:UNPARK_HOOK":   server.URL + "/hook?token=" + token,
		"env:UNPARK_BROKEN": "://" + token,
		"env:UNPARK_GONE":   "http://127.0.0.1:1/" + token,
		"env:UNPARK_TOKEN":  token,
	}
	resolve := func(ref string) (string, error) {
		if s, ok := secrets[ref]; ok {
			return s, nil
		}
		return "", errors.New("not set")
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "escalations", "deliveries", "dead-letters"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	var out, logs bytes.Buffer
	registry := prometheus.NewRegistry()
	deps := notify.Deps{
		Kafka: []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}, Clock: clock.Real(), Metrics: registry,
		Log: slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Configs: rules(`{"routes":{"default":[{"slack":{"webhook":"env:UNPARK_SLACK"}},{"webhook":{"url":"env:UNPARK_HOOK"}},
			{"webhook":{"url":"env:UNPARK_BROKEN"}},{"slack":{"webhook":"env:UNPARK_GONE"}},{"slack":{"webhook":"env:UNPARK_UNSET"}},
			{"terminal":{}},{},{"teams":{"webhook":"env:UNPARK_HOOK"}},{"pagerduty":{"routingKey":"env:UNPARK_TOKEN","api":"` + server.URL + `"}},
			{"slack":{"botToken":"env:UNPARK_TOKEN","channel":"C1","appToken":"env:UNPARK_TOKEN","api":"` + server.URL + `"}},
			{"webhook":{"url":"env:UNPARK_HOOK","secret":"env:UNPARK_TOKEN"}}]}}`),
		Build: func(d notify.Destination) (notify.Notifier, error) {
			switch {
			case d.Slack != nil && d.Slack.BotToken != "":
				return slack.NewBot(*d.Slack, resolve, server.Client()), nil
			case d.Teams != nil:
				return teams.New(*d.Teams, resolve, server.Client()), nil
			case d.PagerDuty != nil:
				return pagerduty.New(*d.PagerDuty, resolve, server.Client()), nil
			case d.Slack != nil:
				return slack.NewWebhook(*d.Slack, resolve, server.Client()), nil
			case d.Webhook != nil:
				return webhook.New(*d.Webhook, resolve, server.Client()), nil
			case d.Terminal != nil:
				return terminal.New(&out), nil
			}
			return nil, errors.New("a destination without a form")
		},
	}
	d, err := notify.New(notify.Config{GiveUp: 1e6, MinBackoff: 1e6, MaxBackoff: 1e6}, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ran := make(chan error, 1)
	run, stop := context.WithCancel(ctx)
	go func() { ran <- d.Run(run) }()

	letters := exchange(ctx, t, cluster, 10)
	pages := fmt.Sprint(d.Ready(), d.Notes())
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"logs": logs.String(), "metrics": fmt.Sprint(families), "dead letters": letters, "pages": pages,
		"the ledger": ledger(ctx, t, cluster), "tries": tries(ctx, deps), "redriving": redriving(ctx, deps),
	} {
		if text == "" || strings.Contains(text, token) {
			t.Errorf("%s are empty or tell the secret:\n%s", what, text)
		}
	}
	if !strings.Contains(out.String(), "SLA WARNING: Conversation c-1 ") {
		t.Errorf("the terminal shows %q", out.String())
	}
	t.Log(letters)
}

// ledger is all that deliveries holds.
func ledger(ctx context.Context, t *testing.T, cluster *kfake.Cluster) string {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("deliveries"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var b strings.Builder
	for n := 0; n < 22; { // destinations, each with an entry that waited and one that ended
		fetches := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatal(err)
		}
		for _, r := range fetches.Records() {
			n++
			fmt.Fprintf(&b, "%s %s %s\n", r.Key, r.Value, r.Headers)
		}
	}
	return b.String()
}

// tries is what `unpark notify test` says, redriving what `unpark dlq redrive` does.
func tries(ctx context.Context, deps notify.Deps) string {
	trials, err := notify.Try(ctx, deps, "org-1", "default")
	return fmt.Sprintf("%+v %v", trials, err)
}

func redriving(ctx context.Context, deps notify.Deps) string {
	value, _ := schemas.EncodeEscalation(&warning)
	return fmt.Sprint(notify.Redrive(ctx, deps, value, "org-1/default"))
}

var warning = schemas.Escalation{ID: "1", Status: "raised", Kind: "warning", Org: "org-1", Conversation: "c-1", TierSeconds: 12600}

// exchange produces one escalation and returns the n dead letters it leads to.
func exchange(ctx context.Context, t *testing.T, cluster *kfake.Cluster, n int) string {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("dead-letters"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	value, err := schemas.EncodeEscalation(&warning)
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "escalations", Key: []byte("c-1"), Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n > 0 {
		fetches := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatal(err)
		}
		for _, r := range fetches.Records() {
			n--
			fmt.Fprintf(&b, "%s %s", r.Key, r.Value)
			for _, h := range r.Headers {
				fmt.Fprintf(&b, " %s=%s", h.Key, h.Value)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}
