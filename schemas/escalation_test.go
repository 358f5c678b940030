package schemas_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"unpark/schemas"
)

func goldens(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/escalation_*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	out := make(map[string][]byte)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[f] = bytes.TrimSpace(data)
	}
	return out
}

// The goldens are what consumers outside have written their code against.
func TestEscalationRoundTrip(t *testing.T) {
	for name, golden := range goldens(t) {
		e, err := schemas.DecodeEscalation(golden)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := schemas.EncodeEscalation(e)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(string(golden), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestEscalationSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("escalation.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, golden := range goldens(t) {
		if err := schema.Validate(document(t, golden)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(map[string]any){
		"a status nobody knows": func(r map[string]any) { r["status"] = "open" },
		"a missing field":       func(r map[string]any) { delete(r, "agent") },
		"an instant in local time": func(r map[string]any) {
			r["due"] = "2026-03-09T12:15:00.000+01:00"
		},
		"half a second": func(r map[string]any) { r["elapsedSeconds"] = 0.5 },
	} {
		record := document(t, goldens(t)["testdata/escalation_raised.json"]).(map[string]any)
		change(record)
		if schema.Validate(record) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func document(t *testing.T, data []byte) any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestEscalationHeaders(t *testing.T) {
	e := &schemas.Escalation{ID: "0a", Status: "cleared", Org: "o", Conversation: "c", At: 1_772_442_903_949}
	got := map[string]string{}
	for _, h := range schemas.EscalationHeaders(e) {
		got[h.Key] = string(h.Value)
	}
	want := map[string]string{
		"ce_specversion": "1.0", "ce_id": "0a/cleared", "ce_source": "unpark/o", "ce_type": "unpark.escalation.cleared",
		"ce_subject": "c", "ce_time": "2026-03-02T09:15:03.949Z", "content-type": "application/json",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConversationKey(t *testing.T) {
	org, conversation, err := schemas.ParseConversationKey(schemas.ConversationKey("o-1", "c-1"))
	if err != nil || org != "o-1" || conversation != "c-1" {
		t.Errorf("got %q %q %v", org, conversation, err)
	}
	if _, _, err := schemas.ParseConversationKey(schemas.OrgKey("o-1")); err == nil {
		t.Error("the key of an org is taken for a conversation's")
	}
}

// A record of a newer version keeps what this one does not know.
func TestUnknownFieldsSurvive(t *testing.T) {
	newer := append([]byte{0xfa, 0x7f, 0x01, 'x'}, 0x08, 0x01) // field 2047, then version
	var st schemas.ConversationState
	if err := st.UnmarshalVT(newer); err != nil {
		t.Fatal(err)
	}
	st.Version = 2
	got, err := st.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(got, []byte{0xfa, 0x7f, 0x01, 'x'}) {
		t.Errorf("the unknown field is gone: %x", got)
	}
}

func TestDuration(t *testing.T) {
	var d schemas.Duration
	if err := json.Unmarshal([]byte(`"3h30m"`), &d); err != nil || d.Milliseconds() != 12_600_000 {
		t.Errorf("got %v %v", d, err)
	}
	if err := json.Unmarshal([]byte(`"3.5 hours"`), &d); err == nil {
		t.Error("3.5 hours is accepted")
	}
}
