package processor_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"unpark/processor/replay"
	"unpark/processor/sla"
	"unpark/processor/stream"
	"unpark/schemas"
)

// history is what a partition hears: the rules of its orgs, the first of each from
// the beginning on, and moments in order of arrival.
type history struct {
	orgs    []orgConfig
	moments []moment
	// schedules are the versions of that part.
	schedules map[schemas.OrgConfigKey][]byte
	slice     int // how many conversations a tick judges again; 0: as always
	// written is who wrote when, by org/conversation.
	written map[string][]*schemas.ThreadMessage
}

// orgConfig is an org's rules as org-config holds them.
type orgConfig struct {
	rules   sla.Rules
	version string
	json    []byte
}

func newOrgConfig(rules sla.Rules) orgConfig {
	data, err := json.Marshal(rules)
	if err != nil {
		panic(err)
	}
	return orgConfig{rules: rules, version: schemas.ContentVersion(data), json: data}
}

// first returns the activations that a history begins with.
func (h history) first() (activations []*schemas.InputRecord) {
	active := map[string]bool{}
	for _, c := range h.orgs {
		if !active[c.rules.ID] {
			active[c.rules.ID] = true
			activations = append(activations, activationOf(c))
		}
	}
	return activations
}

// Get implements processor.Configs.
func (h history) Get(_ context.Context, key schemas.OrgConfigKey) ([]byte, bool, error) {
	for _, c := range h.orgs {
		if key.Part == schemas.PartRules && c.rules.ID == key.Org && c.version == key.Version {
			return c.json, true, nil
		}
	}
	schedules, ok := h.schedules[key]
	return schedules, ok, nil
}

// tb is what *testing.T and *rapid.T share.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// replayed returns what the processor says about a history.
func (h history) replayed(outer *testing.T, t tb) []*schemas.Escalation {
	t.Helper()
	var out []*schemas.Escalation
	d, err := replay.New(newHandler(outer, h), func(o stream.Output) error {
		if o.Topic.Suffix != schemas.Escalations.Suffix {
			return fmt.Errorf("a record on %s: %s", o.Topic.Suffix, o.Value)
		}
		e, err := schemas.DecodeEscalation(o.Value)
		out = append(out, e)
		return err
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer d.Close()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%v", err)
		}
	}
	for _, c := range h.orgs {
		check(d.Apply(&schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: &schemas.ConfigActivated{
			OrgId: c.rules.ID, Part: schemas.PartRules, Version: c.version,
		}}}))
	}
	for _, m := range h.moments {
		check(d.Pipe(m.record(), m.at))
	}
	check(d.Commit())
	return out
}

// modelled returns what the model says about a history.
func (h history) modelled(t tb) []*schemas.Escalation {
	t.Helper()
	m := newModel()
	for _, c := range h.orgs {
		m.learn(t, c)
		m.activate(c.rules.ID, c.version)
	}
	for _, moment := range h.moments {
		m.pipe(moment.record(), moment.at)
	}
	return m.out
}

func (m *model) learn(t tb, c orgConfig) {
	t.Helper()
	r, err := newModelRules(c.rules, c.version)
	if err != nil {
		t.Fatalf("%v", err)
	}
	m.know(c.rules.ID, r)
}

// told is what one log leads to.
type told struct {
	Escalations []*schemas.Escalation
	Requests    []string
}

// byLog returns what the processor said, sorted, and what the model says about the
// same log.
func byLog(t tb, orgs []orgConfig, log []stream.Record, out []stream.Output) (model, processor told) {
	t.Helper()
	m := newModel()
	for _, c := range orgs {
		m.learn(t, c)
	}
	seen := map[string]bool{}
	for _, o := range out {
		if o.Topic.Suffix == schemas.Escalations.Suffix {
			e, err := schemas.DecodeEscalation(o.Value)
			if err != nil {
				t.Fatalf("%v", err)
			}
			processor.Escalations = append(processor.Escalations, e)
			continue
		}
		r := &schemas.GenesysRequest{}
		if err := r.UnmarshalVT(o.Value); err != nil {
			t.Fatalf("%v", err)
		}
		key, line := describe(r)
		if seen[r.Id] {
			t.Fatalf("two requests of one id: %s", line)
		}
		seen[r.Id] = true
		m.ids[key] = append(m.ids[key], r.Id)
		processor.Requests = append(processor.Requests, line)
	}
	for _, r := range log {
		m.apply(r.Input, r.AppendTime)
	}
	model = told{m.out, m.requests}
	for _, t := range []*told{&model, &processor} {
		t.Escalations = inOrder(t.Escalations)
		slices.Sort(t.Requests)
	}
	return model, processor
}

// record is what is piped at a moment.
func (m moment) record() *schemas.InputRecord {
	if m.until {
		return foreignEvent(m.at)
	}
	return m.input
}

// inOrder sorts what different conversations say at one instant; what one of them
// says keeps its order.
func inOrder(escalations []*schemas.Escalation) []*schemas.Escalation {
	sorted := slices.Clone(escalations)
	slices.SortStableFunc(sorted, func(a, b *schemas.Escalation) int {
		if a.At != b.At {
			return int(a.At - b.At)
		}
		return strings.Compare(a.Org+"/"+a.Conversation, b.Org+"/"+b.Conversation)
	})
	return sorted
}

// TestModelAgainstScripts shows that the model tells the worked cases as the
// processor does.
func TestModelAgainstScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := parseScript(t, data)
			if s.synced != nil {
				return // the model has what is written out: TestSyncedEqualsWrittenOut
			}
			orgs := []orgConfig{newOrgConfig(s.rules)}
			for _, draft := range s.drafts {
				orgs = append(orgs, newOrgConfig(draft))
			}
			var log []stream.Record
			out := runReplay(t, s, func(r stream.Record) { log = append(log, r) })
			want, got := byLog(t, orgs, log, out)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-model +processor):\n%s", diff)
			}
			if s.rules.Checks || slices.ContainsFunc(s.moments, func(m moment) bool { return m.tick || m.queued || m.apply != "" }) {
				return // not what a replay of events alone does
			}
			h := history{orgs: []orgConfig{newOrgConfig(s.rules)}, moments: s.moments}
			if diff := cmp.Diff(inOrder(h.modelled(t)), inOrder(h.replayed(t, t))); diff != "" {
				t.Errorf("(-model +processor):\n%s", diff)
			}
		})
	}
}

// oracle has rapid try n histories, the same ones in every run, so that a change is
// judged by what it changes. `make oracle` looks for new ones: what the command line
// sets stays.
func oracle(t *testing.T, n int) {
	given := commandLine() // before anything is set: what was set once counts as given
	for name, value := range map[string]string{"rapid.checks": fmt.Sprint(n), "rapid.seed": "1"} {
		if given[name] {
			continue
		}
		old := flag.Lookup(name).Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set(name, old) })
	}
}

// commandLine is which flags the command line sets.
var commandLine = sync.OnceValue(func() map[string]bool {
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return given
})

// TestProcessorEqualsModel is the oracle: any history leads to the same records.
func TestProcessorEqualsModel(t *testing.T) {
	oracle(t, 300)
	rapid.Check(t, func(r *rapid.T) {
		h := genHistory(r)
		want, got := inOrder(h.modelled(r)), inOrder(h.replayed(t, r))
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("(-model +processor):\n%s\n%s", diff, h)
		}
	})
}
