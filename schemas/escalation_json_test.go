package schemas_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"unpark/schemas"
)

// What is written of an escalation is what encoding/json writes.
func TestEscalationBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := genEscalation(t)
		got, err := schemas.EncodeEscalation(e)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(e); err != nil {
			t.Fatal(err)
		}
		if string(got)+"\n" != want.String() {
			t.Fatalf("got\n%s\nwant\n%s", got, want.String())
		}
		back, err := schemas.DecodeEscalation(got)
		if err != nil {
			return // an instant that no JSON reader takes
		}
		labels, err := schemas.ReadEscalationLabels(got)
		if wanted := (schemas.EscalationLabels{Status: back.Status, Kind: back.Kind, Org: back.Org, Policy: back.Policy}); err != nil || labels != wanted {
			t.Fatalf("labels %q, want %q, %v\n%s", labels, wanted, err, got)
		}
	})
}

// Instants are written as time.Format writes them.
func TestInstantText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := genInstant.Draw(t, "at")
		if got, want := at.String(), at.Time().Format("2006-01-02T15:04:05.000Z"); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

// genInstant draws from the year 0 to beyond 9999, mostly from now.
var genInstant = rapid.Custom(func(t *rapid.T) schemas.Instant {
	if rapid.IntRange(0, 9).Draw(t, "far") == 0 {
		first, last := time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(11000, 1, 1, 0, 0, 0, 0, time.UTC)
		return schemas.Instant(rapid.Int64Range(first.UnixMilli(), last.UnixMilli()).Draw(t, "ms"))
	}
	return schemas.Instant(1_772_442_000_000 + rapid.Int64Range(-1e11, 1e11).Draw(t, "ms"))
})

func genEscalation(t *rapid.T) *schemas.Escalation {
	words := rapid.OneOf(rapid.StringMatching(`[a-z0-9 <&>-]{0,40}`), rapid.String(),
		rapid.SampledFrom([]string{"\u2028\u2029", "\xff\xfe", "\"\\\n\t\x00\x7f", "Zoë 😀"}))
	text := func() string { return words.Draw(t, "text") }
	maybe := func() *string { return rapid.Ptr(words, true).Draw(t, "maybe") }
	instant := func() schemas.Instant { return genInstant.Draw(t, "instant") }
	e := &schemas.Escalation{
		ID: text(), Status: text(), Kind: text(), Org: text(), Conversation: text(), Objective: text(),
		TierSeconds: rapid.Int64().Draw(t, "tier"), Policy: text(), PolicyVersion: text(),
		Start: instant(), Due: instant(), At: instant(), Elapsed: rapid.Int64().Draw(t, "elapsed"),
		Verified: rapid.Bool().Draw(t, "verified"), ObservedAt: rapid.Ptr(genInstant, true).Draw(t, "observed"),
		Media: maybe(), MessageType: maybe(), Reason: maybe(),
	}
	if rapid.Bool().Draw(t, "queue") {
		e.Queue = &schemas.QueueRef{ID: maybe(), Name: maybe()}
	}
	if rapid.Bool().Draw(t, "agent") {
		e.Agent = &schemas.AgentRef{ID: maybe(), Name: maybe(), State: maybe(), Since: rapid.Ptr(genInstant, true).Draw(t, "since")}
	}
	if rapid.Bool().Draw(t, "action") {
		e.Action = &schemas.ActionRef{Do: text(), Outcome: text(), Reason: maybe()}
	}
	if rapid.Bool().Draw(t, "explained") {
		e.Explain = []schemas.Interval{}
	}
	for range rapid.IntRange(0, 3).Draw(t, "intervals") {
		e.Explain = append(e.Explain, schemas.Interval{From: instant(), To: instant(), State: text()})
	}
	return e
}

// heldWarning is a warning of a conversation that an agent holds.
func heldWarning() *schemas.Escalation {
	id, name := "b15b0736-0000-4000-8000-6018f0c22fa7", "Support"
	at := schemas.Instant(1_772_442_000_000)
	return &schemas.Escalation{
		ID: "0123456789abcdef0123456789abcdef", Status: "raised", Kind: "warning", Org: id, Conversation: id, Objective: "reply", TierSeconds: 12600,
		Policy: "default", PolicyVersion: "0123456789abcdef0123456789abcdef", Start: at, Due: at, At: at, Elapsed: 12610,
		Media: &name, MessageType: &name, Queue: &schemas.QueueRef{ID: &id, Name: &name}, Agent: &schemas.AgentRef{ID: &id, Since: &at},
		Explain: []schemas.Interval{{From: at, To: at, State: "running"}, {From: at, To: at, State: "closed"}},
	}
}

func BenchmarkEncodeEscalation(b *testing.B) {
	e := heldWarning()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schemas.EncodeEscalation(e); err != nil {
			b.Fatal(err)
		}
	}
}
