package text_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"unpark/connectors/notify/text"
	"unpark/schemas"
)

func subject(change func(*schemas.Escalation)) text.Subject {
	s := text.Samples()[0].Subject
	if change != nil {
		change(s.Escalation)
	}
	return s
}

func TestDefaultWarning(t *testing.T) {
	s := subject(nil)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s.Zone = berlin
	const want = `SLA WARNING: Conversation 2f7bf00a-0000-4000-8000-92238191433e has been open for 3.5 hours. It is currently locked by agent Ada Lovelace. Please intervene.
Agent: Ada Lovelace, parked since Fri 6 Mar 16:50 CET · Queue: Support · Waiting: 3.5 hours counted, since Fri 6 Mar 16:45 CET · Rule: reply, warning at 3.5 hours, policy whatsapp, due Mon 9 Mar 12:15 CET · Checked: verified in Genesys Mon 9 Mar 12:15 CET · Org: Acme
Ask Ada Lovelace to answer now, or transfer it to somebody who can.
https://apps.mypurecloud.de/directory/#/engage/admin/interactions/2f7bf00a-0000-4000-8000-92238191433e`
	if diff := cmp.Diff(want, (*text.Set)(nil).Render(s).String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRules(t *testing.T) {
	rules := text.Rules{
		{Match: text.Match{Kind: []string{"breach"}}, Headline: "Gebrochen: {{.Conversation}}"},
		{Match: text.Match{Policy: []string{"whatsapp"}, At: []schemas.Duration{schemas.Duration(3*time.Hour + 30*time.Minute)}},
			Headline: "{{with .Agent}}{{.}} hält{{else}}Niemand hält{{end}} {{$.Conversation}}{{if not .Verified}} (ungeprüft){{end}}.",
			Details:  "Warteschlange: {{.Queue}}\nAktion: {{.Action}}\nSeit {{.Start}}\n", Advice: "Bitte eingreifen, {{upper .Kind}}!"},
		{Match: text.Match{Status: []string{"cleared"}}, Headline: "Erledigt nach {{.Waited}}."},
	}
	if ps := rules.Validate(); len(ps) > 0 {
		t.Fatal(ps)
	}
	set, err := text.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*schemas.Escalation)
		want   text.Text
	}{
		{"the tier's own", nil, text.Text{
			Headline: "Ada Lovelace hält 2f7bf00a-0000-4000-8000-92238191433e.",
			Facts:    []text.Fact{{Name: "Warteschlange", Value: "Support"}, {Value: "Seit Fri 6 Mar 15:45 UTC"}}, Advice: "Bitte eingreifen, WARNING!", Tone: text.Warning,
		}},
		{"nobody holds it", func(e *schemas.Escalation) { e.Agent, e.Queue, e.Verified = nil, nil, false }, text.Text{
			Headline: "Niemand hält 2f7bf00a-0000-4000-8000-92238191433e (ungeprüft).",
			Facts:    []text.Fact{{Value: "Seit Fri 6 Mar 15:45 UTC"}}, Advice: "Bitte eingreifen, WARNING!", Tone: text.Warning,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := set.Render(subject(c.change))
			c.want.Link = got.Link
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	cleared := set.Render(subject(func(e *schemas.Escalation) { e.Status, e.Elapsed = "cleared", 18000 }))
	if cleared.Headline != "Erledigt nach 5 hours." || len(cleared.Facts) == 0 || cleared.Tone != text.Good {
		t.Errorf("cleared: got %+v, want its own headline over the default facts", cleared)
	}
	retracted := set.Render(subject(func(e *schemas.Escalation) { e.Status = "retracted" }))
	if !strings.HasPrefix(retracted.Headline, "Retracted: ") {
		t.Errorf("retracted: got %q, want the default", retracted.Headline)
	}
}

// A headline that says nothing of some alerts is the default there: Slack and PagerDuty
// refuse an empty one, and with it the alert.
func TestHeadlineThatSaysNothing(t *testing.T) {
	rules := text.Rules{{Headline: "{{with .Agent}}{{.}} hält es.{{end}}"}}
	if ps := rules.Validate(); len(ps) > 0 {
		t.Fatal(ps)
	}
	set, err := text.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Render(subject(nil)).Headline; got != "Ada Lovelace hält es." {
		t.Errorf("got %q", got)
	}
	got := set.Render(subject(func(e *schemas.Escalation) { e.Agent = nil })).Headline
	if !strings.HasPrefix(got, "SLA WARNING: Conversation ") {
		t.Errorf("got %q, want the default", got)
	}
}

func TestValidate(t *testing.T) {
	for source, want := range map[string]string{
		"{{.Agnet}}":                           "unknown field .Agnet",
		"{{if .Verified}}{{.Secret}}{{end}}":   "unknown field .Secret",
		"{{.Agent.Name}}":                      "write one field",
		"{{with .Agent}}{{.Queue}}{{end}}":     "write $.Queue",
		"{{with .Agent}}{{$.Nobody}}{{end}}":   "unknown field .Nobody",
		"{{range $i, $x := .Agent}}x{{end}}":   "no place here",
		"{{range 1000000000}}{{end}}":          "no place here",
		`{{printf "%1000000d" 1}}`:             "unknown function printf",
		"{{call .Agent}}":                      "unknown function call",
		`{{define "x"}}{{end}}{{.Agent}}`:      "define",
		"{{$x := .Agent}}{{$x}}":               "variables",
		"{{.}}":                                "a dot alone",
		"{{$}}":                                "write one field",
		"{{.Agent":                             "unclosed action",
		"{{eq .Verified .Agent}}":              "incompatible types",
		"{{upper .Verified}}":                  "expected string",
		"   ":                                  "empty",
		strings.Repeat("{{.Conversation}}", 8): "characters long",
		strings.Repeat("a", 5000):              "longer than",
	} {
		ps := text.Rules{{Headline: source}}.Validate()
		if len(ps) != 1 || ps[0].Field != "[0].headline" || !strings.Contains(ps[0].Message, want) {
			t.Errorf("%.40q: got %v, want a problem that says %q", source, ps, want)
		}
		if !strings.Contains(want, "types") && !strings.Contains(want, "string") && !strings.Contains(want, "characters") {
			if _, err := text.Compile(text.Rules{{Headline: source}}); err == nil {
				t.Errorf("%.40q compiles", source)
			}
		}
	}
	bad := text.Rules{{}, {Match: text.Match{Kind: []string{"warnign"}, Objective: []string{"answer"}, Status: []string{"open"}}, Details: strings.Repeat("a\n", 12)}}
	if got := len(bad.Validate()); got != 5 {
		t.Errorf("got %d problems, want 5: %v", got, bad.Validate())
	}
}

// A template that passed no lint and fails is replaced by the default.
func TestFailingTemplate(t *testing.T) {
	set, err := text.Compile(text.Rules{{Headline: "{{eq .Verified .Agent}}"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Render(subject(nil)).Headline; !strings.HasPrefix(got, "SLA WARNING: ") {
		t.Errorf("got %q, want the default", got)
	}
}

func TestNames(t *testing.T) {
	got := (*text.Set)(nil).Render(subject(func(e *schemas.Escalation) {
		e.Agent.Name = new("Eve\x1b[2J\nSLA BREACH\u202e" + strings.Repeat("x", 300))
		e.Queue.Name = new("Sup\u2028port\xff: yes")
	}))
	for _, bad := range []string{"\x1b", "\n", "\u202e", "\u2028"} {
		if strings.Contains(got.Headline+got.Details()+got.Advice, bad) {
			t.Errorf("%q is in %q", bad, got)
		}
	}
	if len(got.Headline) > 300 || !strings.Contains(got.Headline, "…") {
		t.Errorf("the name is not cut: %q", got.Headline)
	}
}

func TestLink(t *testing.T) {
	for _, c := range []struct{ region, api, want string }{
		{"eu-central-1", "", "https://apps.mypurecloud.de/directory/#/engage/admin/interactions/a%2Fb"},
		{"", "https://api.usw2.pure.cloud", "https://apps.usw2.pure.cloud/directory/#/engage/admin/interactions/a%2Fb"},
		{"", "http://127.0.0.1:8080", ""},
		{"", "https://proxy.example", ""},
		{"mars-1", "", ""},
	} {
		if got := text.Link(c.region, c.api, "a/b"); got != c.want {
			t.Errorf("%q %q: got %q, want %q", c.region, c.api, got, c.want)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	s := subject(nil)
	b.ReportAllocs()
	for b.Loop() {
		(*text.Set)(nil).Render(s)
	}
}
