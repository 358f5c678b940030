package notify

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"unpark/schemas"
)

func TestRouteAsJSON(t *testing.T) {
	for _, text := range []string{
		`[{"terminal":{}}]`,
		`{"to":[{"terminal":{}}],"quiet":{"hours":"office","then":"duty"},"repeat":"30m0s","group":{"above":5,"within":"2m0s"}}`,
	} {
		var r Route
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(r); err != nil || string(got) != text {
			t.Errorf("got %s (%v), want %s", got, err, text)
		}
	}
}

func TestRouteTimesValidate(t *testing.T) {
	to := []Destination{{Terminal: &TerminalConfig{}}}
	quiet := func(hours, then string) *Quiet { return &Quiet{Hours: hours, Then: then} }
	routes := Routes{
		"awake":   {To: to, Repeat: schemas.Duration(time.Hour), Group: &Grouping{Above: new(0)}},
		"sleeps":  {To: to, Quiet: quiet("office", "awake")},
		"a-hours": {To: to, Quiet: quiet("nights", "awake")},
		"b-then":  {To: to, Quiet: quiet("office", "nobody")},
		"c-none":  {To: to, Quiet: quiet("office", "")},
		"d-ring":  {To: to, Quiet: quiet("office", "e-ring")},
		"e-ring":  {To: to, Quiet: quiet("office", "d-ring")},
		"f-often": {To: []Destination{{Terminal: &TerminalConfig{}, Every: new(schemas.Duration(-1))}}, Repeat: schemas.Duration(time.Second), Group: &Grouping{Above: new(-1), Within: -1}},
	}
	var got []string
	for _, p := range routes.Validate([]string{"office"}) {
		got = append(got, p.Field)
	}
	want := []string{"a-hours.quiet.hours", "b-then.quiet.then", "c-none.quiet.then", "d-ring.quiet.then", "e-ring.quiet.then",
		"f-often[0].every", "f-often.repeat", "f-often.group.above", "f-often.group.within"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The ledger holds fingerprints for months: they stay as they are.
func TestAddress(t *testing.T) {
	for want, d := range map[string]Destination{
		"0cea2d3c5195": {Terminal: &TerminalConfig{}},
		"cbe927d4e076": {Slack: &SlackConfig{Webhook: "env:UNPARK_A", AppToken: "env:UNPARK_B"}, Every: new(schemas.Duration)},
	} {
		if got := d.address(); got != want {
			t.Errorf("%s: %s, want %s", d.Type(), got, want)
		}
	}
}
