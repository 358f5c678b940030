package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unpark/processor/sla"
)

// The files of the design document, every form of calendar among them.
func TestGood(t *testing.T) {
	c, ps := loadAt("testdata/good", testNow)
	golden(t, "testdata/good/problems.txt", ps.Error()+"\n")
	if err := ps.Err(); err != nil {
		t.Error(err)
	}
	if c.Process.Bridge.Sources[1].File.Path != "events.jsonl.gz" || c.Process.Kafka.TLS.CA != "file:ca.pem" {
		t.Errorf("%+v", c.Process)
	}
	if got := c.Orgs[0].Policies[0].Match.Attributes["vip"]; got != "yes" {
		t.Errorf("vip: %q, want yes", got)
	}
}

func TestCovers(t *testing.T) {
	list := func(s string) []string { return strings.Fields(s) }
	for _, tt := range []struct {
		name string
		a, b sla.Match
		want bool
	}{
		{"all, all", sla.Match{}, sla.Match{}, true},
		{"all, one queue", sla.Match{}, sla.Match{Queue: list("q1")}, true},
		{"one queue, all", sla.Match{Queue: list("q1")}, sla.Match{}, false},
		{"more queues", sla.Match{Queue: list("q1 q2")}, sla.Match{Queue: list("q2")}, true},
		{"other queues", sla.Match{Queue: list("q1 q2")}, sla.Match{Queue: list("q2 q3")}, false},
		{"every medium there is", sla.Match{Media: list("message email")}, sla.Match{Queue: list("q1")}, true},
		{"one medium", sla.Match{Media: list("email")}, sla.Match{Media: list("email message")}, false},
		{"both directions", sla.Match{Direction: list("inbound outbound")}, sla.Match{}, true},
		{"other key", sla.Match{Division: list("d1")}, sla.Match{Queue: list("q1")}, false},
		{"attribute", sla.Match{Attributes: map[string]string{"vip": "yes"}}, sla.Match{Attributes: map[string]string{"vip": "yes", "lang": "de"}}, true},
		{"attribute's value", sla.Match{Attributes: map[string]string{"vip": "yes"}}, sla.Match{Attributes: map[string]string{"vip": "no"}}, false},
		{"message type within a medium", sla.Match{Media: list("message")}, sla.Match{Media: list("message"), MessageType: list("whatsapp")}, true},
	} {
		if got := covers(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// What YAML allows beyond plain keys and values.
func TestYAML(t *testing.T) {
	const route = "routes: {a: [{terminal: on}]}\n"
	for _, tt := range []struct{ name, text, problem, bots string }{
		{name: "merged keys", text: "policies: [&p {name: x, bots: reply, objectives: [{objective: open, hours: always, tiers: [{at: 1h, kind: breach}]}]}, {<<: *p, name: y, bots: ignore, match: {media: [email]}}]", bots: "ignore", problem: "never applies"},
		{name: "a merge of a word", text: "timing: {<<: word}", problem: "<< needs keys to merge"},
		{name: "an alias of itself", text: "timing: &t {<<: *t}", problem: "no anchor &t stands before this"},
		{name: "a key that is an alias", text: "timezone: &z UTC\n*z : b", problem: "no key is called \"UTC\""},
		{name: "two documents", text: "timing: {}\n---\ntiming: {}", problem: "a second document"},
		{name: "a tag", text: "timezone: !!binary aGk=", problem: "is not understood here"},
		{name: "too deep", text: "timing: " + strings.Repeat("[", 60) + strings.Repeat("]", 60), problem: "nested deeper than"},
		{name: "no end", text: "timing: {", problem: "acme.yaml:"},
		{name: "long text", text: "timezone: |-\n  Europe/Berlin"},
		{name: "a byte order mark", text: "\ufefftimezone: UTC"},
	} {
		l := &loader{now: testNow}
		text := "id: x\n" + route + tt.text
		if strings.HasPrefix(tt.text, "\ufeff") {
			text = tt.text + "\nid: x\n" + route
		}
		o, _ := l.parseOrg("orgs/acme.yaml", []byte(text))
		got := l.problems.Errors().Error() + l.problems.Warnings().Error()
		if tt.problem == "" && l.problems.Err() != nil || !strings.Contains(got, tt.problem) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.problem)
		}
		if tt.bots != "" && (len(o.Policies) != 2 || o.Policies[1].Bots != tt.bots || o.Policies[1].Objectives == nil) {
			t.Errorf("%s: %+v", tt.name, o.Policies)
		}
	}
}

// In a list within braces the parser takes a:b for a key and a value.
func TestColons(t *testing.T) {
	for text, want := range map[string][]string{
		"{attributes: [b1:9093, ö:c, a:b:c, 09:00-17:00, 'q', http://x:80/y, plain]}": {"b1:9093", "ö:c", "a:b:c", "09:00-17:00", "q", "http://x:80/y", "plain"},
		"attributes: [b1:9093]":          {"b1:9093"},
		"attributes:\n  - b1:9093\n":     {"b1:9093"},
		"{attributes: [env:UNPARK_A]}":   {"env:UNPARK_A"},
		"{attributes: [a: b]}":           {""},
		"{attributes: [a : b, \"c\":d]}": {"", ""},
	} {
		l := &loader{now: testNow}
		o, _ := l.parseOrg("orgs/acme.yaml", []byte(text))
		if diff := cmp.Diff(want, o.Attributes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestUnknown(t *testing.T) {
	known := []string{"tiers", "hours", "objective"}
	for name, want := range map[string]string{
		"tier":   `no key is called "tier"; did you mean tiers?`,
		"houres": `no key is called "houres"; did you mean hours?`,
		"x":      `no key is called "x"; known here: hours, objective, tiers`,
	} {
		if got := unknown("key", name, known); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	if got, want := unknown("route", "x", nil), `no route is called "x"; there is none here`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
