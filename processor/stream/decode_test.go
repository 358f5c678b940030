package stream

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"unpark/schemas"
)

// TestDecodeInTurn has one decoder read records of all sorts: each is as if it had
// been the only one.
func TestDecodeInTurn(t *testing.T) {
	event := func(e *schemas.ConversationEvent) *schemas.InputRecord {
		return &schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: e}}
	}
	full := event(&schemas.ConversationEvent{
		OrgId: "acme", ConversationId: "c-1", SessionId: "s", MediaType: "message", EventTimeMs: 1,
		CommunicationMedia: []string{"message"}, Attributes: map[string]string{"vip": "yes"},
	})
	bare := event(&schemas.ConversationEvent{OrgId: "acme", ConversationId: "c-2"})
	tick := &schemas.InputRecord{Kind: &schemas.InputRecord_Tick{Tick: &schemas.Tick{ClockMs: 2, Owner: "a"}}}
	var d decoder
	for i, want := range []*schemas.InputRecord{full, bare, event(&schemas.ConversationEvent{}), tick, full, full} {
		value, err := want.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.decode(Record{Value: value})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("record %d (-want +got):\n%s", i, diff)
		}
	}
	for _, c := range []struct {
		value []byte
		want  error
	}{{nil, errEmpty}, {[]byte{0x4a, 0}, errUnknownKind}} {
		if _, err := d.decode(Record{Value: c.value}); !errors.Is(err, c.want) {
			t.Errorf("decode % x: error %v, want %v", c.value, err, c.want)
		}
	}
	if _, err := d.decode(Record{Value: []byte{eventTag, 5, 1}}); err == nil {
		t.Error("an event that is cut off was decoded")
	}
}
