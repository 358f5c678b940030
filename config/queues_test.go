package config

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// genesysQueues is what Genesys has, by name.
type genesysQueues map[string][]string

func (g genesysQueues) find(_ context.Context, _ Org, name string) ([]string, error) {
	ids, ok := g[name]
	if !ok {
		return nil, errors.New("no answer in time")
	}
	return ids, nil
}

const namedQueues = `id: acme
genesys: {region: eu-west-1, client_id: "env:UNPARK_ID", client_secret: "env:UNPARK_SECRET"}
policies:
  - name: orders
    match: {queue: [q-0], queue_name: [Orders, Returns]}
    objectives: [{objective: reply, hours: always, tiers: [{at: 1h, kind: breach}]}]
  - name: rest
    match:
      queue_name:
        - Orders
        - Billing
    objectives: [{objective: reply, hours: always, tiers: [{at: 2h, kind: breach}]}]
`

func loadNamed(t *testing.T, file string) (*Config, string) {
	t.Helper()
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"orgs/acme.yaml": file})
	c, ps := Load(dir)
	if err := ps.Err(); err != nil {
		t.Fatal(err)
	}
	return c, filepath.Join(dir, "orgs", "acme.yaml")
}

// What is published has ids where the file has names; who writes the ids and
// nothing else publishes the same decisions.
func TestResolveQueues(t *testing.T) {
	c, _ := loadNamed(t, namedQueues)
	file := c.Orgs[0]
	if err := c.ResolveQueues(t.Context(), genesysQueues{"Orders": {"q-1"}, "Returns": {"q-0"}, "Billing": {"q-3"}}.find); err != nil {
		t.Fatal(err)
	}
	o := c.Orgs[0]
	got := [][]string{o.Policies[0].Match.Queue, o.Policies[0].Match.QueueName, o.Policies[1].Match.Queue, o.Policies[1].Match.QueueName}
	if diff := cmp.Diff([][]string{{"q-0", "q-1"}, nil, {"q-1", "q-3"}, nil}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Conversations(o.Named().Policies[1].Match); got != "queue Orders (q-1) or Billing (q-3)" {
		t.Errorf("shown as %q", got)
	}
	if len(file.Policies[0].Match.QueueName) != 2 {
		t.Error("what was loaded has changed")
	}

	// A queue that is called otherwise now is no other queue.
	renamed, _ := loadNamed(t, strings.ReplaceAll(namedQueues, "Billing", "Accounts"))
	if err := renamed.ResolveQueues(t.Context(), genesysQueues{"Orders": {"q-1"}, "Returns": {"q-0"}, "Accounts": {"q-3"}}.find); err != nil {
		t.Fatal(err)
	}
	if changes := Diff(o, renamed.Orgs[0]); len(changes) > 0 {
		t.Errorf("a renamed queue is a change: %v", changes)
	}
	moved, _ := loadNamed(t, namedQueues)
	if err := moved.ResolveQueues(t.Context(), genesysQueues{"Orders": {"q-9"}, "Returns": {"q-0"}, "Billing": {"q-3"}}.find); err != nil {
		t.Fatal(err)
	}
	want := "policy rest: is for other conversations: queue Orders (q-1) or Billing (q-3) -> queue Orders (q-9) or Billing (q-3)"
	if changes := Diff(o, moved.Orgs[0]); len(changes) != 2 || changes[1].String() != want {
		t.Errorf("changes %v, want the second to be %s", changes, want)
	}
}

func TestQueuesThatLeadNowhere(t *testing.T) {
	c, file := loadNamed(t, namedQueues)
	before := c.Orgs[0]
	err := c.ResolveQueues(t.Context(), genesysQueues{"Orders": {}, "Returns": {"q-1", "q-2"}}.find)
	if err == nil {
		t.Fatal("no error")
	}
	want := strings.Join([]string{
		file + `:5:40: policies[0].match.queue_name[0]: Genesys has no queue "Orders" that the client can see; write it as Genesys does, or its id under queue`,
		file + `:5:48: policies[0].match.queue_name[1]: Genesys has 2 queues "Returns"; write the id of the one that is meant under queue: q-1, q-2`,
		file + `:11:11: policies[1].match.queue_name[1]: queue "Billing" cannot be looked up in Genesys now: no answer in time; try again, or write its id under queue`,
	}, "\n")
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, c.Orgs[0]); diff != "" {
		t.Errorf("the org has changed: %s", diff)
	}
}

// Without a connection a name cannot lead anywhere, which lint knows.
func TestQueueNamesNeedAConnection(t *testing.T) {
	dir := t.TempDir()
	lines := strings.SplitAfter(namedQueues, "\n")
	writeTree(t, dir, map[string]string{"orgs/acme.yaml": strings.Join(append(lines[:1:1], lines[2:]...), "")})
	_, ps := Load(dir)
	err := ps.Err(AboutGenesys)
	if err == nil || !strings.Contains(err.Error(), "acme.yaml:4:") || !strings.Contains(err.Error(), "names are looked up in Genesys") {
		t.Errorf("%v, want the place of the first name", err)
	}
}
