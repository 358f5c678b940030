package processor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"unpark/processor"
	"unpark/processor/calendar"
	"unpark/processor/replay"
	"unpark/processor/sla"
	"unpark/processor/stream"
	"unpark/schemas"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts say now into testdata")

// TestScripts runs every script of testdata through the replay.
func TestScripts(t *testing.T) {
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
			var got strings.Builder
			var log []stream.Record
			out := runReplay(t, s, func(r stream.Record) { log = append(log, r) })
			if diff := cmp.Diff(out, reapply(t, s, log)); diff != "" {
				t.Errorf("the log leads to other records (-first +again):\n%s", diff)
			}
			for _, o := range out {
				if o.Topic.Suffix == schemas.GenesysRequests.Suffix {
					got.WriteString(showRequest(decodeRequest(t, o)))
					continue
				}
				checkSchema(t, o.Value)
				got.WriteString(show(decode(t, o.Value)))
			}
			if *rewrite {
				head, _, _ := strings.Cut(string(data), "-- outputs --\n")
				if err := os.WriteFile(file, []byte(head+"-- outputs --\n"+got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(s.want, got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// runReplay returns the records that a script leads to; log, if not nil, sees every
// input record.
func runReplay(t *testing.T, s script, log func(stream.Record)) []stream.Output {
	t.Helper()
	configs, first := scriptConfigs(t, s)
	var out []stream.Output
	d, err := replay.New(newHandler(t, configs), func(o stream.Output) error {
		out = append(out, o)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.Log = log
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(d.Apply(activation(first)))
	for _, m := range s.moments {
		switch {
		case m.until:
			// Somebody else's event at that time: time moves, the conversation does not.
			check(d.Pipe(foreignEvent(m.at), m.at))
		case m.tick:
			check(d.Tick(m.at))
		case m.apply != "":
			check(d.Apply(activation(configs.version(t, s.drafts[m.apply]))))
		case m.sync != "":
			check(d.Apply(syncOf(configs.groups(t, s.synced[m.sync]))))
		case m.answer != "":
			if !m.queued {
				check(d.AdvanceTo(m.at))
			}
			check(d.Commit())
			setRequest(m.input, requestMeant(t, m, out))
			check(d.Apply(m.input))
		case m.queued:
			check(d.Apply(m.input))
		default:
			check(d.Pipe(m.input, m.at))
		}
	}
	check(d.Commit())
	return out
}

// reapply applies a log as it stands: what was decided on it is decided again, as
// verify and replay --clock log do.
func reapply(t *testing.T, s script, log []stream.Record) (out []stream.Output) {
	t.Helper()
	configs, _ := scriptConfigs(t, s)
	d, err := replay.New(newHandler(t, configs), func(o stream.Output) error {
		out = append(out, o)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, r := range log {
		if err := d.ApplyRecord(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	return out
}

// requestMeant returns the id of the request that a moment answers.
func requestMeant(t *testing.T, m moment, out []stream.Output) string {
	t.Helper()
	_, conversation := inputKey(m.input)
	var all, about []string
	for _, o := range out {
		if o.Topic.Suffix == schemas.GenesysRequests.Suffix {
			r := decodeRequest(t, o)
			all = append(all, r.Id)
			if r.ConversationId == conversation {
				about = append(about, r.Id)
			}
		}
	}
	if n, err := strconv.Atoi(m.answer); err == nil && n <= len(all) {
		return all[n-1]
	}
	if m.answer != "newest" || len(about) == 0 {
		t.Fatalf("%s: an answer to a request that was not made", showTime(schemas.Instant(m.at)))
	}
	return about[len(about)-1]
}

// decodeRequest reads a record of genesys-requests and compares its key.
func decodeRequest(t *testing.T, o stream.Output) *schemas.GenesysRequest {
	t.Helper()
	r := &schemas.GenesysRequest{}
	if err := r.UnmarshalVT(o.Value); err != nil {
		t.Fatal(err)
	}
	if string(o.Key) != r.OrgId {
		t.Errorf("request %s of org %s has the key %q", r.Id, r.OrgId, o.Key)
	}
	return r
}

// foreignEvent is an event of an org that has no rules: it is ignored.
func foreignEvent(at int64) *schemas.InputRecord {
	return &schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{
		OrgId: "elsewhere", ConversationId: "other", Topic: schemas.EventTopic_EVENT_TOPIC_CONTACT, EventTimeMs: at, MediaType: "message",
	}}}
}

// orgVersions holds the versions of the scripts' org by their content.
type orgVersions map[string][]byte

// scriptConfigs returns the versions of a script; the first in force is that of
// rules.yaml.
func scriptConfigs(t *testing.T, s script) (configs orgVersions, first string) {
	t.Helper()
	configs = orgVersions{}
	for _, draft := range s.drafts {
		configs.version(t, draft)
	}
	for _, groups := range s.synced {
		configs.groups(t, groups)
	}
	return configs, configs.version(t, s.rules)
}

// version adds rules and returns their version.
func (c orgVersions) version(t *testing.T, rules sla.Rules) string {
	t.Helper()
	data, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	version := schemas.ContentVersion(data)
	c[version] = data
	return version
}

// groups adds the content of schedule groups and returns its version.
func (c orgVersions) groups(t *testing.T, groups calendar.Groups) string {
	t.Helper()
	data, err := groups.JSON()
	if err != nil {
		t.Fatal(err)
	}
	version := schemas.ContentVersion(data)
	c[version] = data
	return version
}

func (c orgVersions) Get(_ context.Context, key schemas.OrgConfigKey) ([]byte, bool, error) {
	data, ok := c[key.Version]
	return data, ok && key.Org == scriptOrg, nil
}

func activation(version string) *schemas.InputRecord {
	return &schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: &schemas.ConfigActivated{
		OrgId: scriptOrg, Part: schemas.PartRules, Version: version,
	}}}
}

// syncOf is the activation of a version of the schedules.
func syncOf(version string) *schemas.InputRecord {
	in := activation(version)
	in.GetConfigActivated().Part = schemas.PartSchedules
	return in
}

// newHandler returns a handler that is glad to encode and decode again within a
// transaction.
func newHandler(t *testing.T, configs processor.Configs) *processor.Handler {
	handler := processor.NewHandler(t.Context(), processor.Config{
		Rules: processor.NewRules(configs), Metrics: processor.NewMetrics(nil), Logger: slog.New(slog.DiscardHandler),
		Decoded: 2,
	})
	if h, ok := configs.(history); ok && h.slice > 0 {
		handler.SetSlice(h.slice)
	}
	return handler
}

var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	return jsonschema.NewCompiler().Compile("../schemas/escalation.schema.json")
})

// checkSchema compares a record with the public contract.
func checkSchema(t *testing.T, value []byte) {
	t.Helper()
	s, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Error(err)
	}
}

func decode(t *testing.T, value []byte) *schemas.Escalation {
	t.Helper()
	e, err := schemas.DecodeEscalation(value)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
