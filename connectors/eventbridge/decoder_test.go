package eventbridge

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
)

// compareWays decodes raw both in one pass and part by part; usual says whether one
// pass did.
func compareWays(t *testing.T, d *Decoder, raw []byte) (usual bool) {
	t.Helper()
	got, usual := d.onePass(raw)
	if !usual {
		return false
	}
	want, err := decode(raw, keepVIP)
	if err != nil {
		t.Fatalf("one pass takes what is refused: %v\n%s", err, raw)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Fatalf("%s\n%s", raw, diff)
	}
	return true
}

// What EventBridge delivers is read in one pass, and as the other way reads it.
func TestOnePassReadsEvents(t *testing.T) {
	d := NewDecoder(keepVIP)
	for _, raw := range samples(t) {
		observed := strings.Contains(string(raw), observationType)
		if usual := compareWays(t, d, raw); usual == observed {
			t.Errorf("read in one pass: %v\n%s", usual, raw)
		}
	}
}

// A field that comes twice, or after what depends on it, is read as ever.
func TestOnePassLeavesTheUnusual(t *testing.T) {
	const org = `"source":"aws.partner/genesys.com/cloud/org-2/bus"`
	for _, tc := range []struct{ name, old, new string }{
		{"a second source", `"detail":{`, org + `,"detail":{`},
		{"a source at the end", `"detail":{`, `"x":1,"detail":{`},
		{"a second eventBody", `"eventBody":{`, `"eventBody":{"eventTime":1},"eventBody":{`},
		{"no eventBody", `"eventBody":{`, `"body":{`},
		{"a field of another type", `"conversationId":"`, `"sessionId":7,"conversationId":"`},
		{"a field that is null", `"conversationId":"`, `"queueId":null,"queueId":"q","queueId":null,"conversationId":"`},
		{"escapes", `"conversationId":"`, `"userId":"\u0041\n","conversationId":"`},
		{"a zero byte", `"conversationId":"`, `"userId":"\u0000","conversationId":"`},
		{"a zero byte in what is kept", `"conversationId":"`, `"conversationId":"\u0000`},
		{"what is no UTF-8", `"conversationId":"`, "\"userId\":\"\xff\",\"conversationId\":\""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw := []byte(strings.Replace(goodEvent, tc.old, tc.new, 1))
			if string(raw) == goodEvent {
				t.Fatal("nothing was replaced")
			}
			compareWays(t, NewDecoder(keepVIP), raw)
			compareWays(t, NewDecoder(keepVIP), append(raw[:len(raw)-1:len(raw)-1], ","+org+"}"...))
			compareWays(t, NewDecoder(keepVIP), append(raw[:len(raw)-1:len(raw)-1], `,"detail":{}}`...))
		})
	}
}

// What is kept is asked for each org.
func TestDecoderKeepsByOrg(t *testing.T) {
	keep := func(org string) ([]string, bool) { return []string{"of " + org}, org == "org" }
	d := NewDecoder(keep)
	raw := strings.Replace(goodEvent, "user.start", "attributes", 1)
	raw = strings.Replace(raw, `"conversationId":"`, `"attributes":{"of org":"1","of org-2":"2"},"conversationId":"`, 1)
	for _, org := range []string{"org", "org-2", "org"} {
		one := []byte(strings.Replace(raw, "/org/", "/"+org+"/", 1))
		want, err := decode(one, keep)
		if err != nil {
			t.Fatal(err)
		}
		got, usual := d.onePass(one)
		if diff := cmp.Diff(want, got, protocmp.Transform()); !usual || got.Org != org || len(got.Input.GetEvent().Attributes) != 1 || diff != "" {
			t.Errorf("%s, in one pass: %v\n%s", org, usual, diff)
		}
	}
}

// A decoder's envelopes share nothing that the next one changes.
func TestDecoderKeepsNothing(t *testing.T) {
	d := NewDecoder(keepVIP)
	raw := []byte(goodEvent)
	first, err := d.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	want, err := decode([]byte(goodEvent), keepVIP)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	for range 3 * slotsAtOnce {
		if _, err := d.Decode([]byte(strings.ReplaceAll(goodEvent, "/org/", "/org-2/"))); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, first, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// Memory that is used again holds nothing of the events before.
func TestDecoderUsesMemoryAgain(t *testing.T) {
	d, memory := NewDecoder(keepVIP), NewEvents(2)
	for _, raw := range samples(t) {
		d.Use(memory)
		for range 3 { // one more than there is room for
			compareWays(t, d, raw)
		}
	}
}
