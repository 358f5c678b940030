package eventbridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// personal is what the samples hold and nobody may see behind the decoder.
var personal = []string{
	"jane@example.org", "support@acme.example", "+390000000000", "5555550955", "5555550457",
	"Order 12", "done", "Jane Doe", "outage", "4111", "w-id", "ec-1",
}

func keepVIP(string) ([]string, bool) { return []string{"vip"}, true }

func samples(t testing.TB) [][]byte {
	t.Helper()
	file, err := Open(filepath.Join("testdata", "envelopes.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all [][]byte
	lines := NewLines(file)
	for lines.Next() {
		all = append(all, bytes.Clone(lines.Bytes()))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func noPersonal(t *testing.T, what string, b []byte) {
	t.Helper()
	for _, p := range personal {
		if bytes.Contains(b, []byte(p)) {
			t.Errorf("%s holds %q: %s", what, p, b)
		}
	}
}

func TestDecodeSamples(t *testing.T) {
	var out bytes.Buffer
	for i, raw := range samples(t) {
		d, err := Decode(raw, keepVIP)
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		text, err := protojson.Marshal(d.Input)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Compact(&out, text); err != nil { // protojson varies its spaces
			t.Fatal(err)
		}
		out.WriteByte('\n')
		wire, err := d.Input.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		noPersonal(t, "record", wire)
	}
	golden(t, "envelopes.golden", out.Bytes())
}

func TestBlankSamples(t *testing.T) {
	var out bytes.Buffer
	for _, raw := range samples(t) {
		blank := Blank(raw)
		noPersonal(t, "blank", blank)
		out.Write(append(blank, '\n'))
	}
	golden(t, "blank.golden", out.Bytes())
}

const (
	goodEvent       = `{"id":"e","detail-type":"v2.detail.events.conversation.{id}.user.start","source":"aws.partner/genesys.com/cloud/org/s","time":"2026-03-02T09:15:04Z","detail":{"eventBody":{"eventTime":1772442903949,"conversationId":"c","sessionId":"s","mediaType":"EMAIL","ani":"a"}}}`
	goodObservation = `{"id":"e","detail-type":"unpark.thread.observed","source":"aws.partner/genesys.com/cloud/org/s","time":"2026-03-02T09:15:04Z","detail":{"eventBody":{"conversationId":"c","observedAt":1772442903949,"startedAt":1772442903949,"agent":{"id":"u","name":"n"},"messages":[{"at":1772442903949,"by":"agent"}]}}}`
)

func TestDecodeRefuses(t *testing.T) {
	long := strings.Repeat("x", maxID+1)
	for _, tc := range []struct {
		name, base, old, new string
		want                 Reason
	}{
		{"half", goodEvent, `}}}`, `}}`, NotJSON},
		{"two values", goodEvent, `}}}`, `}}} {}`, NotJSON},
		{"trailing comma", goodEvent, `"ani":"a"`, `"ani":"a",`, NotJSON},
		{"leading zero", goodEvent, `1772442903949`, `01772442903949`, NotJSON},
		{"control character", goodEvent, `"ani":"a"`, "\"ani\":\"\n\"", NotJSON},
		{"bad escape", goodEvent, `"ani":"a"`, `"ani":"\x"`, NotJSON},
		{"a list", goodEvent, goodEvent, `[]`, WrongEnvelope},
		{"null", goodEvent, goodEvent, `null`, WrongEnvelope},
		{"empty", goodEvent, goodEvent, ``, NotJSON},
		{"a zero byte behind", goodEvent, `}}}`, "}}}\x00", NotJSON},
		{"deep", goodEvent, `"a"`, strings.Repeat("[", 40) + strings.Repeat("]", 40), TooDeep},
		{"large", goodEvent, `"a"`, `"` + strings.Repeat("a", MaxEnvelope) + `"`, TooLarge},
		{"no detail", goodEvent, `"detail":`, `"details":`, WrongEnvelope},
		{"no eventBody", goodEvent, `"eventBody":`, `"body":`, WrongEnvelope},
		{"eventBody a list", goodEvent, `"eventBody":{`, `"eventBody":[],"x":{`, WrongEnvelope},
		{"no source", goodEvent, `"source"`, `"sauce"`, WrongEnvelope},
		{"another source", goodEvent, `aws.partner/genesys.com`, `aws.ec2`, WrongEnvelope},
		{"a look-alike source", goodEvent, `genesys.com/`, `genesys.company/`, WrongEnvelope},
		{"no org", goodEvent, `/org/`, `//`, WrongEnvelope},
		{"long org", goodEvent, `/org/`, `/` + long + `/`, BadID},
		{"numeric source", goodEvent, `"aws.partner/genesys.com/cloud/org/s"`, `7`, WrongEnvelope},
		{"numeric conversation", goodEvent, `"conversationId":"c"`, `"conversationId":7`, WrongEnvelope},
		{"numeric media", goodEvent, `"EMAIL"`, `7`, WrongEnvelope},
		{"time as text", goodEvent, `1772442903949`, `"2026-03-02T09:15:04Z"`, WrongEnvelope},
		{"a fraction", goodEvent, `1772442903949`, `1772442903949.5`, WrongEnvelope},
		{"another topic", goodEvent, `user.start`, `user.pause`, UnknownTopic},
		{"another prefix", goodEvent, `v2.detail.events.conversation.`, `v2.users.`, UnknownTopic},
		{"no id in topic", goodEvent, `{id}.user.start`, `user.start`, UnknownTopic},
		{"no conversation", goodEvent, `"conversationId"`, `"conversation"`, MissingID},
		{"keys have one case", goodEvent, `"conversationId"`, `"conversationID"`, MissingID},
		{"null conversation", goodEvent, `"conversationId":"c"`, `"conversationId":null`, MissingID},
		{"no session", goodEvent, `"sessionId"`, `"session"`, MissingID},
		{"long id", goodEvent, `"c"`, `"` + long + `"`, BadID},
		{"zero byte", goodEvent, `"c"`, `"\u0000"`, BadID},
		{"no time", goodEvent, `"eventTime"`, `"time"`, BadTime},
		{"seconds", goodEvent, `1772442903949`, `1772442903`, BadTime},
		{"microseconds", goodEvent, `1772442903949`, `1772442903949000`, BadTime},
		{"huge", goodEvent, `1772442903949`, `1e300`, BadTime},
		{"huger than int64", goodEvent, `1772442903949`, `99999999999999999999`, BadTime},
		{"envelope time", goodEvent, `2026-03-02T09:15:04Z`, `yesterday`, BadTime},
		{"ahead", goodEvent, `2026-03-02T09:15:04Z`, `2026-03-02T09:10:03Z`, TimeAhead},
		{"observation ahead", goodObservation, `2026-03-02T09:15:04Z`, `2026-03-02T09:10:03Z`, TimeAhead},
		{"observation without time", goodObservation, `"observedAt"`, `"seenAt"`, BadTime},
		{"observation without id", goodObservation, `"conversationId"`, `"conversation"`, MissingID},
		{"unknown author", goodObservation, `"by":"agent"`, `"by":"robot"`, BadObservation},
		{"no author", goodObservation, `,"by":"agent"`, ``, BadObservation},
		{"message without time", goodObservation, `"at":1772442903949,`, ``, BadObservation},
		{"messages an object", goodObservation, `[{"at":1772442903949,"by":"agent"}]`, `{}`, BadObservation},
		{"message a number", goodObservation, `{"at":1772442903949,"by":"agent"}`, `7`, BadObservation},
		{"numeric agent id", goodObservation, `"id":"u"`, `"id":7`, BadObservation},
		{"long agent id", goodObservation, `"id":"u"`, `"id":"` + long + `"`, BadID},
		{"startedAt as text", goodObservation, `"startedAt":1772442903949`, `"startedAt":"x"`, BadObservation},
		{"startedAt in seconds", goodObservation, `"startedAt":1772442903949`, `"startedAt":1772442903`, BadObservation},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw := strings.Replace(tc.base, tc.old, tc.new, 1)
			if raw == tc.base {
				t.Fatal("the case changes nothing")
			}
			got, err := Decode([]byte(raw), keepVIP)
			var refused *DecodeError
			if !errors.As(err, &refused) || refused.Reason != tc.want {
				t.Fatalf("got %v, want %s", err, tc.want)
			}
			if got.Input != nil {
				t.Error("an error comes with a record")
			}
		})
	}
}

func TestDecodeAccepts(t *testing.T) {
	for _, tc := range []struct{ name, base, old, new string }{
		{"as it is", goodEvent, ``, ``},
		{"observation as it is", goodObservation, ``, ``},
		{"wrong type in what is not needed", goodEvent, `"ani":"a"`, `"ani":7,"subject":{},"routingPriority":"x","attributes":7,"communications":"x"`},
		{"unknown fields", goodEvent, `"ani":"a"`, `"organizationId":["x"],"new":{"a":null}`},
		{"no envelope time", goodEvent, `"time":"2026-03-02T09:15:04Z",`, ``},
		{"not quite ahead", goodEvent, `09:15:04Z`, `09:10:04Z`},
		{"fractions", goodEvent, `09:15:04Z`, `09:15:04.123456Z`},
		{"another zone", goodEvent, `09:15:04Z`, `11:15:04+02:00`},
		{"spaces", goodEvent, `,`, " ,\r\n\t"},
		{"an escaped key", goodEvent, `"conversationId"`, `"conversation\u0049d"`},
		{"a whole number with a fraction", goodEvent, `1772442903949`, `1772442903949.0`},
		{"no suffix", goodEvent, `/org/s`, `/org`},
		{"null agent", goodObservation, `{"id":"u","name":"n"}`, `null`},
		{"null startedAt", goodObservation, `"startedAt":1772442903949`, `"startedAt":null`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := Decode([]byte(strings.Replace(tc.base, tc.old, tc.new, 1)), keepVIP)
			if err != nil {
				t.Fatal(err)
			}
			if d.Org != "org" || d.Conversation != "c" || d.EventTime != 1772442903949 {
				t.Errorf("got %q %q %d", d.Org, d.Conversation, d.EventTime)
			}
		})
	}
}

func TestUnknownOrgKeepsNoAttributes(t *testing.T) {
	for _, raw := range samples(t) {
		d, err := Decode(raw, func(string) ([]string, bool) { return nil, false })
		if err != nil || d.OrgKnown || len(d.Input.GetEvent().GetAttributes()) > 0 {
			t.Fatalf("got %v, %v", d, err)
		}
	}
}

func TestBlankKeepsNothingUnexpected(t *testing.T) {
	for _, tc := range []struct{ raw, want string }{
		{`jane@example.org`, `{"length":16}`},
		{``, `{"length":0}`},
		{`null`, `{"length":4}`},
		{`["jane"]`, `{"length":8}`},
		{`{"id":"jane@example.org","time":{"a":1},"source":"a b"}`, `{"detail":{"eventBody":{}}}`},
		{`{"id":"e","detail":7}`, `{"detail":{"eventBody":{}},"id":"e"}`},
		{`{"detail":{"eventBody":{"userId":["jane"],"queueId":"+49","eventTime":1.5}}}`, `{"detail":{"eventBody":{"eventTime":1.5}}}`},
	} {
		if got := string(Blank([]byte(tc.raw))); got != tc.want {
			t.Errorf("Blank(%s) = %s, want %s", tc.raw, got, tc.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, raw := range samples(f) {
		f.Add(raw)
	}
	f.Add([]byte(goodEvent))
	f.Add([]byte(goodObservation))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if blank := Blank(raw); !json.Valid(blank) || bytes.ContainsAny(blank, "@") {
			t.Fatalf("blank: %s", blank)
		}
		one := NewDecoder(keepVIP)
		compareWays(t, one, []byte(goodEvent)) // whose keys are expected from now on
		compareWays(t, one, raw)
		compareWays(t, one, raw)
		d, err := Decode(raw, keepVIP)
		if err != nil {
			var refused *DecodeError
			if !errors.As(err, &refused) {
				t.Fatalf("%T", err)
			}
			if got := refused.Reason == NotJSON; got && json.Valid(raw) {
				t.Fatalf("not JSON? %s", raw)
			}
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("no JSON is decoded: %s", raw)
		}
		wire, err := d.Input.MarshalVT()
		if err != nil || !utf8.ValidString(d.Conversation) || !Plausible(d.EventTime) ||
			d.Conversation == "" || len(d.Conversation) > maxID || strings.ContainsRune(d.Org+d.Conversation, 0) {
			t.Fatalf("%v: %q %d", err, d.Conversation, d.EventTime)
		}
		if len(wire) > 3*len(raw)+64 { // bytes that are no UTF-8 become three
			t.Fatalf("the record is larger than the envelope: %d, %d", len(wire), len(raw))
		}
	})
}

// encoding/json into structs of the same fields takes about five times as long.
func BenchmarkDecode(b *testing.B) {
	raw := samples(b)[0]
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	d := NewDecoder(keepVIP)
	for b.Loop() {
		if _, err := d.Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}
