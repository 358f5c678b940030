package notify

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/schemas"
)

// fakeConfigs holds versions by org/version and the newest by org.
type fakeConfigs struct {
	versions map[string]string
	newest   map[string]string
	// schedules is the content of schedule groups by org.
	schedules map[string]string
	err       error

	mu sync.Mutex
}

// change changes the newest rules.
func (f *fakeConfigs) change(org, rules string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.newest[org] = rules
}

func (f *fakeConfigs) Rules(_ context.Context, org, version string) ([]byte, bool, error) {
	v, ok := f.versions[org+"/"+version]
	return []byte(v), ok, f.err
}

func (f *fakeConfigs) NewestRules(org string) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.newest[org]
	return []byte(v), ok
}

func (f *fakeConfigs) NewestSchedules(org string) ([]byte, bool) {
	v, ok := f.schedules[org]
	return []byte(v), ok
}

const (
	oldRules = `{"id":"org-1","policies":[{"name":"whatsapp","objectives":[{"objective":"reply","hours":"always","tiers":[
		{"at":"3h30m0s","kind":"warning","notify":["managers","all","typo"]},{"at":"4h0m0s","kind":"breach","notify":[]}]}]}],
		"routes":{"managers":[{"terminal":{}}]}}`
	newRules = `{"id":"org-1","name":"Acme","timezone":"Europe/Berlin","policies":[{"name":"whatsapp","objectives":[]}],
		"routes":{"managers":[{"slack":{"webhook":"env:UNPARK_A"}}],"all":[{"slack":{"webhook":"env:UNPARK_A"}},{"terminal":{}}],"default":[{"terminal":{}}]}}`
)

func TestRoute(t *testing.T) {
	both := &fakeConfigs{versions: map[string]string{"org-1/v1": oldRules, "org-1/v0": `{"policies":[]}`}, newest: map[string]string{"org-1": newRules}}
	for _, c := range []struct {
		name    string
		configs *fakeConfigs
		change  func(*schemas.Escalation)
		want    []string // names, problems in brackets
		reason  string
	}{
		{"the version names the routes, the newest what is behind them, each once", both, nil,
			[]string{"org-1/managers/0 slack", "org-1/all/1 terminal", "org-1/typo [unknown_route]"}, ""},
		{"a tier that tells nobody", both, func(e *schemas.Escalation) { e.TierSeconds = 14400 }, nil, ""},
		{"no policies: the default policy", both, func(e *schemas.Escalation) { e.PolicyVersion, e.Policy = "v0", "default" },
			[]string{"org-1/default/0 terminal"}, ""},
		{"unknown org", both, func(e *schemas.Escalation) { e.Org = "org-2" }, nil, "unknown_org"},
		{"unknown version", both, func(e *schemas.Escalation) { e.PolicyVersion = "v2" }, nil, "unknown_version"},
		{"unknown tier", both, func(e *schemas.Escalation) { e.TierSeconds = 1 }, nil, "unknown_tier"},
		{"rules that cannot be had", &fakeConfigs{err: errors.New("no broker")}, nil, nil, "config_unavailable"},
		{"rules that are none", &fakeConfigs{versions: map[string]string{"org-1/v1": "{"}, newest: both.newest}, nil, nil, "bad_rules"},
	} {
		e := fridayCase(t)
		if c.change != nil {
			c.change(&e)
		}
		p, err := newRulebook(c.configs).route(t.Context(), &e, e.At.Time())
		var got []string
		for _, x := range p.targets {
			if x.problem != nil {
				got = append(got, x.name+" ["+x.problem.Reason+"]")
			} else {
				got = append(got, x.name+" "+x.destination.Type())
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if e, _ := errors.AsType[*Error](err); (e == nil) != (c.reason == "") || e != nil && e.Reason != c.reason {
			t.Errorf("%s: got %v, want reason %q", c.name, err, c.reason)
		}
	}
}

func TestRedrive(t *testing.T) {
	configs := &fakeConfigs{versions: map[string]string{"org-1/v1": oldRules}, newest: map[string]string{"org-1": newRules}}
	e := fridayCase(t)
	value, err := schemas.EncodeEscalation(&e)
	if err != nil {
		t.Fatal(err)
	}
	for destination, want := range map[string][]string{
		"org-1/all/0": {"slack"},
		"org-1/all/1": {"terminal"},
		"org-1/all":   {"slack", "terminal"},
		"org-1/all/7": nil,
		"org-1/none":  nil,
		"org-2/all/0": nil,
		"":            {"slack", "terminal"},
		"org-1":       {"slack", "terminal"},
	} {
		var got []string
		err := Redrive(t.Context(), Deps{Clock: clock.Real(), Configs: configs, Build: func(d Destination) (Notifier, error) {
			return notifyFunc(func(context.Context, Message) error { got = append(got, d.Type()); return nil }), nil
		}}, value, destination)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", destination, diff)
		}
		// The whole routing names a route that does not exist: that stays an error.
		if wantErr := want == nil || destination == "" || destination == "org-1"; (err != nil) != wantErr {
			t.Errorf("%q: got error %v, want one: %v", destination, err, wantErr)
		}
	}
}

// An alert that was redriven stands as any other: it is repeated as its route says.
func TestRedrivenIsRepeated(t *testing.T) {
	f := newField(t, 1)
	e := fridayCase(t)
	value, err := schemas.EncodeEscalation(&e)
	if err != nil {
		t.Fatal(err)
	}
	deps := Deps{
		Kafka: []kgo.Opt{kgo.SeedBrokers(f.cluster.ListenAddrs()...)}, Prefix: "t.", Clock: clock.Real(),
		Configs: &fakeConfigs{newest: map[string]string{"org-1": `{"routes":{"all":{"to":[{"terminal":{}}],"repeat":"1h"}}}`}},
		Build: func(Destination) (Notifier, error) {
			return notifyFunc(func(context.Context, Message) error { return nil }), nil
		},
	}
	if err := Redrive(t.Context(), deps, value, "org-1/all/0"); err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(append(deps.Kafka, kgo.ConsumeTopics("t.deliveries"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	d, err := schemas.DecodeDelivery(cl.PollRecords(t.Context(), 1).Records()[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.RemindAt.Time().Sub(d.ToldAt.Time()); got != time.Hour {
		t.Errorf("reminded %s after it was told, want an hour", got)
	}
}

// notifyFunc is a Notifier from a function.
type notifyFunc func(ctx context.Context, m Message) error

func (f notifyFunc) Capabilities() Capabilities {
	return Capabilities{Kinds: KindsOf(Clear, Retract)}
}

func (f notifyFunc) Notify(ctx context.Context, m Message) (Reference, error) { return "", f(ctx, m) }
