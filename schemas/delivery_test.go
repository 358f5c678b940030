package schemas

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeliveryIsReadAsItWasWritten(t *testing.T) {
	full := Delivery{
		State: DeliverySent, Escalation: "e", Org: "o", Conversation: "c", Destination: "o/<r>/0", Status: "raised", Told: "raised",
		Since: 1000, RaisedAt: 2000, Digest: "d", DigestPartitions: "0-3", DigestLate: true, Acknowledged: &Mark{By: "Ada", At: 1000, Until: 2000},
		Offset: 7, Record: json.RawMessage(`{"id":"e","explain":[{"state":"<closed>"}]}`),
	}
	bare := Delivery{State: DeliveryPending, Record: json.RawMessage("null")}
	for _, d := range []Delivery{full, bare} {
		value, err := EncodeDelivery(&d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeDelivery(value)
		if err != nil {
			t.Fatalf("%v: %s", err, value)
		}
		if diff := cmp.Diff(&d, got); diff != "" {
			t.Error(diff)
		}
	}
	if d, err := DecodeDelivery([]byte(`{"record": {"a":1}, "state": "sent"}`)); err != nil || d.State != DeliverySent || string(d.Record) != `{"a":1}` {
		t.Errorf("written by somebody else: %v, %v", d, err)
	}
	for _, broken := range []string{"", "{", `{"state":1,"record":{}}`, `{"state":"sent","record":`} {
		if _, err := DecodeDelivery([]byte(broken)); err == nil {
			t.Errorf("%s can be read", broken)
		}
	}
	value, err := EncodeDelivery(&Delivery{State: DeliveryPending})
	if err != nil || !json.Valid(value) {
		t.Errorf("without a record: %s, %v", value, err)
	}
}

// What is written by hand is what encoding/json writes.
func TestDeliveryBytes(t *testing.T) {
	mark := &Mark{By: "Ada <\"ä\">", At: 1000, Until: 2000}
	for _, d := range []Delivery{
		{},
		{State: DeliveryPending, Escalation: "e", Org: "o", Conversation: "c", Destination: "o/<r&b>/0", Status: "raised", Since: 1, RaisedAt: 2, Record: []byte(`{"id":"e"}`)},
		{
			State: DeliveryFailed, Told: "raised", ToldAt: 3, Address: "a", Reference: "r\n1", Digest: "d", DigestPartitions: "0-3", DigestLate: true, Queue: "q",
			Agent: "g", Notice: "remind", Acknowledged: mark, Snoozed: mark, Reminders: 2, RemindAt: 4, Reason: "http_500", Offset: 7, Record: []byte(`{"id":"e"}`),
		},
	} {
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(d); err != nil {
			t.Fatal(err)
		}
		got, err := EncodeDelivery(&d)
		if diff := cmp.Diff(strings.TrimSpace(want.String()), string(got)); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	}
	if n := reflect.TypeFor[Delivery]().NumField(); n != 25 {
		t.Errorf("a delivery has %d fields: write and compare the new one too", n)
	}
}

func TestDeliveryIndex(t *testing.T) {
	for _, want := range []DeliveryIndex{{Pending: true, Conversation: "c 1"}, {Look: 1767611710000, Digest: "digest-1", Conversation: "c"}, {}} {
		if got, ok := DecodeDeliveryIndex(want.Encode()); !ok || got != want {
			t.Errorf("%+v was read as %+v, %v", want, got, ok)
		}
	}
	for _, broken := range []string{"", "sent", "sent x  c", "lost 1  c"} {
		if i, ok := DecodeDeliveryIndex([]byte(broken)); ok {
			t.Errorf("%q was read as %+v", broken, i)
		}
	}
}
