package schemas_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"unpark/schemas"
)

// What is read of an escalation without encoding/json is what that reads, also of one
// that somebody has changed; what it refuses is refused.
func TestEscalationIsReadAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value, err := schemas.EncodeEscalation(genEscalation(t))
		if err != nil {
			t.Fatal(err)
		}
		readAlike(t, spoilt(t, value), schemas.DecodeEscalation)
	})
}

func TestDeliveryIsReadAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value, err := schemas.EncodeDelivery(genDelivery(t))
		if err != nil {
			t.Fatal(err)
		}
		readAlike(t, spoilt(t, value), schemas.DecodeDelivery)
	})
}

func readAlike[T any](t *rapid.T, value []byte, decode func([]byte) (*T, error)) {
	want := new(T)
	wantErr := json.Unmarshal(value, want)
	got, err := decode(value)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("error %v, of encoding/json %v\n%s", err, wantErr, value)
	}
	if err == nil {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\n%s", diff, value)
		}
	}
}

// spoilt is a value, half of the time with a few bytes of what stands before a
// delivery's record changed: into the record nobody looks.
func spoilt(t *rapid.T, value []byte) []byte {
	value = slices.Clone(value)
	end := len(value)
	if at := strings.Index(string(value), `,"record":`); at > 0 {
		end = at
	}
	if rapid.Bool().Draw(t, "spoilt") {
		at := rapid.IntRange(0, end-1).Draw(t, "at")
		by := rapid.SampledFrom([]string{"", " ", "0", "-", "\"", "\\", ",", "}", "]", "null", "1.5", "e3", "\n", "\xff", "ä", "x"}).Draw(t, "by")
		value = slices.Replace(value, at, rapid.IntRange(at, min(at+2, end)).Draw(t, "to"), []byte(by)...)
	}
	return value
}

func genDelivery(t *rapid.T) *schemas.Delivery {
	words := rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[a-z0-9 <&>-]{0,40}`), rapid.SampledFrom([]string{"\"\\\n\t", "Zoë 😀"}))
	text := func() string { return words.Draw(t, "text") }
	instant := func() schemas.Instant {
		if rapid.Bool().Draw(t, "none") {
			return 0
		}
		return genInstant.Draw(t, "instant")
	}
	mark := func() *schemas.Mark {
		if rapid.Bool().Draw(t, "unmarked") {
			return nil
		}
		return &schemas.Mark{By: text(), At: instant(), Until: instant()}
	}
	return &schemas.Delivery{
		State: text(), Escalation: text(), Org: text(), Conversation: text(), Destination: text(), Status: text(), Told: text(),
		Since: instant(), ToldAt: instant(), RaisedAt: instant(), Address: text(), Reference: text(), Digest: text(), DigestPartitions: text(),
		DigestLate: rapid.Bool().Draw(t, "late"), Queue: text(), Agent: text(), Notice: text(), Acknowledged: mark(), Snoozed: mark(),
		Reminders: rapid.IntRange(0, 2).Draw(t, "reminders"), RemindAt: instant(), Reason: text(), Offset: rapid.Int64().Draw(t, "offset"),
		Record: json.RawMessage(`{"id":"e"}`),
	}
}

// What is written of plain texts is read quickly, whatever is left out of it.
func TestPlainTextsAreReadQuickly(t *testing.T) {
	at, name := schemas.Instant(1_772_442_000_000), "Zoë"
	full := &schemas.Escalation{
		ID: "e", Status: "raised", TierSeconds: 12600, Start: at, ObservedAt: &at, Media: &name, Queue: &schemas.QueueRef{Name: &name},
		Agent: &schemas.AgentRef{Since: &at}, Action: &schemas.ActionRef{Do: "requeue"}, Explain: []schemas.Interval{{From: at, To: at}, {To: at}},
	}
	mark := &schemas.Mark{By: name, At: at, Until: at}
	told := &schemas.Delivery{
		State: "sent", Told: "raised", ToldAt: at, Address: "a", Reference: "r", Digest: "d", DigestPartitions: "0-3", DigestLate: true, Queue: "q", Agent: "g",
		Notice: "remind", Acknowledged: mark, Snoozed: mark, Reminders: 2, RemindAt: at, Reason: "http_500", Offset: 7,
	}
	for _, c := range []struct {
		e *schemas.Escalation
		d *schemas.Delivery
	}{{full, told}, {&schemas.Escalation{}, &schemas.Delivery{}}} {
		e, err1 := schemas.EncodeEscalation(c.e)
		d, err2 := schemas.EncodeDelivery(c.d)
		head, _, _ := strings.Cut(string(d), `,"record":`)
		if quickE, quickD := schemas.ReadsQuickly(e, []byte(head)); !quickE || !quickD || err1 != nil || err2 != nil {
			t.Errorf("escalation %v, delivery %v, errors %v %v:\n%s\n%s", quickE, quickD, err1, err2, e, d)
		}
	}
}

func BenchmarkDecodeEscalation(b *testing.B) {
	value, err := schemas.EncodeEscalation(heldWarning())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schemas.DecodeEscalation(value); err != nil {
			b.Fatal(err)
		}
	}
}
