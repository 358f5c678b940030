package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"unpark/connectors/notify"
	"unpark/schemas"
)

const routesFile = `id: org-1
timezone: UTC
calendars:
  office: {weekly: {mon: ["09:00-17:00"]}}
routes:
  managers:
    to: [{slack: {webhook: "env:UNPARK_A"}}, {terminal: {}}]
    quiet: {hours: office, then: duty}
    repeat: 30m
    group: {above: 5, within: 2m}
  duty: [{terminal: {}}]
`

// A route is a list of destinations, or a mapping that says more; both bind, and
// their problems stand where they are.
func TestRoutesBothForms(t *testing.T) {
	t.Setenv("UNPARK_A", "https://hooks.slack.com/x")
	l := &loader{now: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)}
	o, _ := l.parseOrg("org.yaml", []byte(routesFile))
	terminal := notify.Destination{Terminal: &notify.TerminalConfig{}}
	want := notify.Routes{
		"managers": {
			To:    []notify.Destination{{Slack: &notify.SlackConfig{Webhook: "env:UNPARK_A"}}, terminal},
			Quiet: &notify.Quiet{Hours: "office", Then: "duty"}, Repeat: schemas.Duration(30 * time.Minute),
			Group: &notify.Grouping{Above: new(5), Within: schemas.Duration(2 * time.Minute)},
		},
		"duty": {To: []notify.Destination{terminal}},
	}
	if diff := cmp.Diff(want, o.Routes); diff != "" {
		t.Error(diff)
	}
	for _, p := range l.problems {
		if p.Category == AboutRoutes && p.Severity == Error {
			t.Error(p)
		}
	}
}

func TestRouteProblemsStandWhereTheyAre(t *testing.T) {
	const file = `id: org-1
routes:
  managers:
    to:
      - {terminal: {}}
      - {slack: {webhook: "https://hooks.slack.com/services/x"}}
    quiet: {hours: nights, then: nobody}
    repeat: 5s
`
	l := &loader{now: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)}
	l.parseOrg("org.yaml", []byte(file))
	l.problems.sort()
	got := map[string]int{}
	for _, p := range l.problems {
		if p.Severity == Error {
			got[p.Path] = p.Line
		}
	}
	want := map[string]int{
		"routes.managers[1].slack.webhook": 6, "routes.managers.quiet.hours": 7, "routes.managers.quiet.then": 7, "routes.managers.repeat": 8,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
