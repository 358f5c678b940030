package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"unpark/connectors/kafka"
	"unpark/connectors/notify"
	"unpark/processor/sla"
	"unpark/schemas"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file as its reader sees it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func loadAt(dir string, now time.Time) (*Config, Problems) {
	l := &loader{now: now}
	c := l.load(dir)
	l.problems.sort()
	return c, l.problems
}

var testNow = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestProblems(t *testing.T) {
	_, ps := loadAt("testdata/bad", testNow)
	golden(t, "testdata/bad/problems.txt", ps.Error()+"\n")
	for _, secret := range []string{"hunter2", "T0/B0"} {
		if strings.Contains(ps.Error(), secret) {
			t.Errorf("a problem holds the secret %s", secret)
		}
	}
}

// The example is what people start from.
func TestExample(t *testing.T) {
	c, ps := loadAt("example", testNow)
	if len(ps) > 0 {
		t.Fatalf("the example does not lint clean:\n%v", ps)
	}
	content, version, err := c.Orgs[0].JSON()
	if err != nil {
		t.Fatal(err)
	}
	if version != schemas.ContentVersion(content) {
		t.Errorf("version %s, want the content's", version)
	}
	golden(t, "testdata/example.json", string(content)+"\n")
	back, err := ParseOrg(content)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Orgs[0], back); diff != "" {
		t.Errorf("read back from JSON (-want +got):\n%s", diff)
	}
	if _, err := sla.Compile(back.Rules, version); err != nil {
		t.Errorf("the processor refuses it: %v", err)
	}
}

func duration(d time.Duration) *schemas.Duration { v := schemas.Duration(d); return &v }

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{
		"unpark.yaml": `
kafka: {brokers: ["b1:9093"], tls: on, sasl: {mechanism: PLAIN, username: u, password: file:pw}}
topics: {partitions: 6}
processor: {instance: pod-0}
`,
		"orgs/acme.yaml": `
id: acme-id
checks: "off"
timing: {grace: 0s}
routes: {default: [{terminal: on}]}
`,
		"orgs/.acme.yaml.swp": "not: mine",
	})
	got, ps := Load(dir)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	want := &Config{Process: DefaultProcess()}
	want.Process.Kafka = kafka.Config{
		Brokers: []string{"b1:9093"}, TLS: &kafka.TLS{},
		SASL: &kafka.SASL{Mechanism: kafka.Plain, Username: "u", Password: "file:pw"},
	}
	want.Process.Topics.Partitions = 6
	want.Process.Processor.Instance = "pod-0"
	want.Orgs = []Org{{
		Name:   "acme",
		Rules:  sla.Rules{ID: "acme-id", Timing: sla.Timing{Grace: duration(0)}, Actions: sla.DefaultActions()},
		Routes: notify.Routes{"default": {To: []notify.Destination{{Terminal: &notify.TerminalConfig{}}}}},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNothingThere(t *testing.T) {
	c, ps := Load(t.TempDir())
	if err := ps.Err(); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
	if len(ps) != 1 || ps[0].Severity != Warning {
		t.Errorf("an empty folder: %v, want one warning", ps)
	}
	if !c.Process.Kafka.Embedded() || c.Process.Processor.Instance == "" {
		t.Errorf("an empty folder: %+v", c.Process)
	}
	_, ps = Load(filepath.Join(t.TempDir(), "none"))
	if ps.Err(AboutRules, AboutRoutes, AboutGenesys, AboutFuture, AboutProcess) == nil {
		t.Error("no folder: no error")
	}
}

// A replay tells nobody and asks nobody, so what concerns that does not stop it.
func TestErrorsIgnoring(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"orgs/acme.yaml": `
id: acme-id
checks: on
policies:
  - {name: a, objectives: [{objective: reply, hours: always, tiers: [{at: 1h, kind: breach, notify: [nobody]}]}]}
`})
	_, ps := Load(dir)
	if got := len(ps.Errors()); got != 2 {
		t.Errorf("%d errors, want 2: %v", got, ps)
	}
	if err := ps.Err(AboutRoutes, AboutGenesys); err != nil {
		t.Errorf("left for a replay: %v", err)
	}
}

func TestSameContentSameVersion(t *testing.T) {
	version := func(text string) string {
		l := &loader{now: testNow}
		o, _ := l.parseOrg("orgs/acme.yaml", []byte(text))
		_, v, err := o.JSON()
		if err != nil || l.problems.Err() != nil {
			t.Fatal(err, l.problems)
		}
		return v
	}
	a := version("id: x\ntiming: {grace: 90s, settle: 1m}\nroutes: {a: [{terminal: {}}], b: [{terminal: {}}]}\npolicies: []\n")
	b := version("# a comment\nroutes: {b: [{terminal: on}], a: [terminal: {}]}\ntiming: {settle: 60s, grace: 1m30s}\nid: x\n")
	if a != b {
		t.Errorf("versions %s and %s of files that say the same", a, b)
	}
	if a == version("id: y\n") {
		t.Error("one version for two files")
	}
}

func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
