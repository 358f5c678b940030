package pagerduty_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"unpark/connectors/notify"
	"unpark/connectors/notify/notifytest"
	"unpark/connectors/notify/pagerduty"
)

func TestSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Destination{
		Taken: `{"status":"success","message":"Event processed","dedup_key":"k"}`, Token: true,
		Twin: func() notifytest.Twin { return new(notifytest.PagerDuty) },
		New: func(to notifytest.Target) notify.Notifier {
			return pagerduty.New(notify.PagerDutyConfig{RoutingKey: notifytest.Reference, API: to.URL}, to.Resolve, to.Client)
		},
	})
}

func TestLifeOfAnAlert(t *testing.T) {
	twin := new(notifytest.PagerDuty)
	server := httptest.NewServer(twin)
	defer server.Close()
	n := pagerduty.New(notify.PagerDutyConfig{RoutingKey: "env:UNPARK_KEY", API: server.URL + "/"},
		func(string) (string, error) { return twin.Secret(), nil }, server.Client())
	m := notifytest.Message(t)
	tell := func(m notify.Message, want string) notify.Reference {
		t.Helper()
		ref, err := n.Notify(t.Context(), m)
		if err != nil {
			t.Fatalf("%s: %v", m.Kind, err)
		}
		if got := twin.Alerts()[string(ref)]; got != want {
			t.Errorf("after %s: the alert is %q, want %q", m.Kind, got, want)
		}
		return ref
	}
	ref := tell(m, "triggered")
	tell(m, "triggered") // sent twice, one alert
	tell(notifytest.Become(t, m, notify.Snooze, ref), "acknowledged")
	tell(notifytest.Become(t, m, notify.Acknowledge, ref), "acknowledged")
	tell(notifytest.Become(t, m, notify.Clear, ref), "resolved")
	if got := twin.Alerts(); len(got) != 1 {
		t.Errorf("got alerts %v, want one", got)
	}
}

// PagerDuty is a program: of a storm it is told each alert, and so the end of each.
func TestEachAlertOfAStorm(t *testing.T) {
	n := pagerduty.New(notify.PagerDutyConfig{}, nil, http.DefaultClient)
	if n.Capabilities().Kinds.Has(notify.Digest) {
		t.Error("it is told digests")
	}
}

// PagerDuty takes 120 events of an integration in any minute; what is more it refuses.
func TestPace(t *testing.T) {
	if c := (&pagerduty.Notifier{}).Capabilities(); c.Burst+int(time.Minute/c.Every) > 120 {
		t.Errorf("%d at once and one every %v", c.Burst, c.Every)
	}
}

func TestSeverity(t *testing.T) {
	for _, c := range []struct {
		kind string
		test bool
		want string
	}{{"warning", false, "warning"}, {"breach", false, "error"}, {"action", false, "critical"}, {"action", true, "info"}} {
		twin := new(notifytest.PagerDuty)
		server := httptest.NewServer(twin)
		m := notifytest.Message(t)
		m.Escalation.Kind, m.Test = c.kind, c.test
		n := pagerduty.New(notify.PagerDutyConfig{RoutingKey: "env:UNPARK_KEY", API: server.URL}, func(string) (string, error) { return twin.Secret(), nil }, server.Client())
		_, err := n.Notify(t.Context(), m)
		server.Close()
		if err != nil || !strings.Contains(string(twin.Events()[0]), `"severity":"`+c.want+`"`) {
			t.Errorf("%s, a test %v: got %v %s, want severity %s", c.kind, c.test, err, twin.Events(), c.want)
		}
	}
}

// 2xx from something that is not PagerDuty is no delivery.
func TestUnexpectedAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
	defer server.Close()
	n := pagerduty.New(notify.PagerDutyConfig{RoutingKey: "env:UNPARK_KEY", API: server.URL}, func(string) (string, error) { return "k", nil }, server.Client())
	_, err := n.Notify(t.Context(), notifytest.Message(t))
	if e, ok := errors.AsType[*notify.Error](err); !ok || e.Permanent || e.Reason != "unexpected_answer" {
		t.Errorf("got %v, want a retryable unexpected_answer", err)
	}
}
