package notify

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"unpark/schemas"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the goldens in testdata; read the diff")

func instant(t testing.TB, s string) schemas.Instant {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return schemas.Instant(at.UnixMilli())
}

// fridayCase is the escalation of SLA.md section 4: a customer who wrote on
// Friday 16:45.
func fridayCase(t testing.TB) schemas.Escalation {
	return schemas.Escalation{
		ID: "00000000000000000000000000000001", Status: "raised", Kind: "warning",
		Org: "org-1", Conversation: "c-1", Objective: "reply", TierSeconds: 12600,
		Policy: "whatsapp", PolicyVersion: "v1",
		Start: instant(t, "2026-01-02T15:45:00Z"), Due: instant(t, "2026-01-05T11:15:00Z"),
		At: instant(t, "2026-01-05T11:15:10Z"), Elapsed: 12600,
		Verified: true, ObservedAt: new(instant(t, "2026-01-05T11:15:02Z")),
		Queue: &schemas.QueueRef{ID: new("q-1"), Name: new("Support")},
		Agent: &schemas.AgentRef{ID: new("a-1"), Name: new("Ada Lovelace")},
	}
}

func TestRender(t *testing.T) {
	cases := []struct {
		name   string
		change func(*schemas.Escalation)
	}{
		{"warning", func(*schemas.Escalation) {}},
		{"warning, agent without a name", func(e *schemas.Escalation) { e.Agent.Name = nil }},
		{"warning, nobody holds it", func(e *schemas.Escalation) { e.Agent = nil }},
		{"warning, nobody holds it, queue without a name", func(e *schemas.Escalation) { e.Agent, e.Queue.Name = nil, nil }},
		{"warning, nothing known", func(e *schemas.Escalation) { e.Agent, e.Queue = nil, nil }},
		{"warning, not verified", func(e *schemas.Escalation) { e.Verified, e.ObservedAt = false, nil }},
		{"warning, other objective", func(e *schemas.Escalation) { e.Objective, e.TierSeconds = "first_reply", 2700 }},
		{"breach of reply", func(e *schemas.Escalation) { e.Kind, e.TierSeconds = "breach", 14400 }},
		{"breach of first_reply", func(e *schemas.Escalation) {
			e.Kind, e.Objective, e.TierSeconds = "breach", "first_reply", 3600
		}},
		{"breach of resolution", func(e *schemas.Escalation) {
			e.Kind, e.Objective, e.TierSeconds = "breach", "resolution", 8*3600
		}},
		{"breach of open", func(e *schemas.Escalation) {
			e.Kind, e.Objective, e.TierSeconds = "breach", "open", 48*3600
		}},
		{"action done", func(e *schemas.Escalation) { act(e, "requeue", "done", "") }},
		{"action as a dry run", func(e *schemas.Escalation) { act(e, "requeue", "dry_run", "") }},
		{"action refused", func(e *schemas.Escalation) { act(e, "requeue", "refused", "cap") }},
		{"action failed", func(e *schemas.Escalation) { act(e, "disconnect", "failed", "http_503") }},
		{"action not taken", func(e *schemas.Escalation) { act(e, "requeue", "not_taken", "checks_off") }},
		{"action without outcome", func(e *schemas.Escalation) { act(e, "requeue", "", ""); e.Action = nil }},
		{"cleared by an answer", func(e *schemas.Escalation) { e.Status, e.Elapsed = "cleared", 18000 }},
		{"cleared by the end", func(e *schemas.Escalation) {
			e.Status, e.Objective, e.Elapsed = "cleared", "resolution", 19000
		}},
		{"cleared by a policy", func(e *schemas.Escalation) { e.Status, e.Reason = "cleared", new("policy") }},
		{"retracted", func(e *schemas.Escalation) { e.Status = "retracted" }},
		{"names that try to steer the terminal", func(e *schemas.Escalation) {
			e.Agent.Name = new("Eve\x1b[2J\nSLA BREACH")
		}},
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, c := range cases {
		e := fridayCase(t)
		c.change(&e)
		fmt.Fprintf(&got, "# %s\n%s\n\n", c.name, Render(Message{Escalation: &e, OrgName: "Acme", Zone: berlin, Link: "https://apps.example/c-1"}))
	}
	golden(t, "testdata/render.golden", got.String())
}

func act(e *schemas.Escalation, do, outcome, reason string) {
	e.Kind, e.Objective, e.TierSeconds = "action", "open", 48*3600
	e.Action = &schemas.ActionRef{Do: do, Outcome: outcome}
	if reason != "" {
		e.Action.Reason = &reason
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestRenderWarningBeginsAsPromised(t *testing.T) {
	e := fridayCase(t)
	const want = "SLA WARNING: Conversation c-1 has been open for 3.5 hours. It is currently locked by agent Ada Lovelace. Please intervene."
	if got := Render(Message{Escalation: &e}).String(); !strings.HasPrefix(got, want+"\n") {
		t.Errorf("got %q, want it to begin with %q", got, want)
	}
}
