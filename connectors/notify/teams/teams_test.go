package teams_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"unpark/connectors/notify"
	"unpark/connectors/notify/notifytest"
	"unpark/connectors/notify/teams"
)

func TestSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Destination{
		Twin: func() notifytest.Twin { return new(notifytest.Teams) },
		New: func(to notifytest.Target) notify.Notifier {
			return teams.New(notify.TeamsConfig{Webhook: notifytest.Reference}, to.Resolve, to.Client)
		},
	})
}

func card(t *testing.T, m notify.Message) string {
	t.Helper()
	twin := new(notifytest.Teams)
	server := httptest.NewServer(twin)
	defer server.Close()
	n := teams.New(notify.TeamsConfig{Webhook: "env:UNPARK_TEAMS"}, func(string) (string, error) { return server.URL + twin.Secret(), nil }, server.Client())
	if _, err := n.Notify(t.Context(), m); err != nil {
		t.Fatalf("%v: %v", err, twin.Refusals())
	}
	return string(twin.Cards()[0])
}

// Markdown and the card's own functions stay letters: TextRuns know no Markdown,
// and no text holds the {{ of a function.
func TestNamesStayNames(t *testing.T) {
	m := notifytest.Message(t)
	m.Escalation.Agent.Name = new("[x](https://evil.example) {{DATE(2017-02-14T06:08:39Z, SHORT)}} {{{TIME(2017-02-14T06:08:39Z)}}}")
	got := card(t, m)
	if strings.Contains(got, "{{") || strings.Contains(got, "TextBlock\"") && !strings.Contains(got, "RichTextBlock") {
		t.Errorf("a name can be more than a name: %s", got)
	}
	if !strings.Contains(got, "[x](https://evil.example)") {
		t.Errorf("the name is not shown as it is: %s", got)
	}
}

func TestStyle(t *testing.T) {
	for _, c := range []struct{ status, kind, want string }{
		{"raised", "warning", "warning"}, {"raised", "breach", "attention"}, {"cleared", "breach", "good"}, {"retracted", "warning", "emphasis"},
	} {
		m := notifytest.Message(t)
		m.Escalation.Status, m.Escalation.Kind = c.status, c.kind
		if got := card(t, m); !strings.Contains(got, `"style":"`+c.want+`"`) {
			t.Errorf("%s %s: want style %s: %s", c.status, c.kind, c.want, got)
		}
	}
}
