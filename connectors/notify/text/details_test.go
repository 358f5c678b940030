package text

import (
	_ "embed"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unpark/schemas"
)

// The default facts, as the template of an org would say them.
//
//go:embed testdata/details.tmpl
var detailsTemplate string

func TestDetailsAreThoseOfTheTemplate(t *testing.T) {
	template, err := compile(detailsTemplate)
	if err != nil {
		t.Fatal(err)
	}
	samples := Samples()
	for _, change := range []func(*schemas.Escalation){
		func(e *schemas.Escalation) { e.Agent = &schemas.AgentRef{Name: new("Eve")} },
		func(e *schemas.Escalation) { e.Agent.State = nil },
		func(e *schemas.Escalation) { e.ObservedAt = nil },
		func(e *schemas.Escalation) { e.Status, e.Verified = schemas.StatusRetracted, false },
		func(e *schemas.Escalation) { e.Action = &schemas.ActionRef{Do: "disconnect", Outcome: "done"} },
	} {
		s := Samples()[0]
		change(s.Subject.Escalation)
		samples = append(samples, s)
	}
	for _, s := range samples {
		f := newFields(s.Subject)
		said, err := execute(template, f)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(facts(said), facts(f.details())); diff != "" {
			t.Errorf("%s: %s", s.Name, diff)
		}
	}
}
