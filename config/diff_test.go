package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unpark/processor/calendar"
	"unpark/processor/sla"
)

const diffed = `id: 32aa07aa-0000-4000-8000-9483601ec29d
timezone: Europe/Berlin
attributes: [vip]
timing: {grace: 10s}
policies:
  - name: mail
    match: {media: [email]}
    objectives:
      - {objective: reply, hours: office, tiers: [{at: 3h30m, kind: warning, notify: [managers]}, {at: 4h, kind: breach, notify: [managers]}]}
  - name: whatsapp
    match: {media: [message], message_type: [whatsapp], attributes: {tier: gold}}
    objectives:
      - {objective: reply, hours: always, tiers: [{at: 1h, kind: breach, notify: [managers]}]}
calendars:
  office: {timezone: Europe/Berlin, weekly: {mon: ["09:00-17:00"], fri: ["09:00-17:00"]}, holidays: ["2026-12-25"]}
routes:
  managers: [{slack: {webhook: "env:UNPARK_A"}}]
`

// diffOf says what an edit of diffed changes: old text, new text.
func diffOf(t *testing.T, edit ...string) []string {
	t.Helper()
	next := strings.NewReplacer(edit...).Replace(diffed)
	if next == diffed && len(edit) > 0 {
		t.Fatalf("the edit %q changes nothing", edit)
	}
	l := &loader{}
	a, _ := l.parseOrg("orgs/acme.yaml", []byte(diffed))
	b, _ := l.parseOrg("orgs/acme.yaml", []byte(next))
	if errs := slices.DeleteFunc(l.problems, func(p Problem) bool { return p.Severity == Warning || p.Category == AboutFuture }); len(errs) > 0 {
		t.Fatal(errs)
	}
	var got []string
	for _, c := range Diff(throughJSON(t, a), throughJSON(t, b)) {
		got = append(got, c.String())
	}
	return got
}

// throughJSON is an org as org-config holds it.
func throughJSON(t *testing.T, o Org) Org {
	t.Helper()
	data, _, err := o.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if o, err = ParseOrg(data); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestDiff(t *testing.T) {
	const mail = "policy mail (email): "
	for _, tt := range []struct {
		name string
		edit []string
		want []string
	}{
		{"nothing", nil, nil},
		{"a tier moves", []string{"at: 3h30m", "at: 3h"}, []string{mail + "reply: warning moved 3h30m -> 3h"}},
		{"both tiers move", []string{"at: 3h30m", "at: 4h", "at: 4h", "at: 5h"}, []string{
			mail + "reply: warning moved 3h30m -> 4h", mail + "reply: breach moved 4h -> 5h",
		}},
		{"a tier goes", []string{"{at: 3h30m, kind: warning, notify: [managers]}, ", ""}, []string{mail + "reply: warning to managers at 3h30m removed"}},
		{"a tier comes", []string{"[{at: 1h", "[{at: 30m, kind: warning, notify: [managers]}, {at: 1h"}, []string{
			"policy whatsapp (message, whatsapp, attribute tier = gold): reply: warning to managers at 30m added",
		}},
		{"a kind changes", []string{"1h, kind: breach", "1h, kind: warning"}, []string{
			"policy whatsapp (message, whatsapp, attribute tier = gold): reply: the tier at 1h says breach to managers -> warning to managers",
		}},
		{"an objective is another", []string{"objective: reply, hours: always", "objective: open, hours: always"}, []string{
			"policy whatsapp (message, whatsapp, attribute tier = gold): reply is no longer promised",
			"policy whatsapp (message, whatsapp, attribute tier = gold): promises open in always: 1h breach to managers",
		}},
		{"other hours", []string{"reply, hours: office", "reply, hours: always"}, []string{mail + "reply counts in office -> always"}},
		{"another match", []string{"match: {media: [email]}", "match: {media: [email], queue: [q-1, q-2]}"}, []string{
			"policy mail: is for other conversations: email -> email, queue q-1 or q-2",
		}},
		{"a policy is renamed", []string{"name: mail", "name: post"}, []string{"policy post (email): renamed, it was mail"}},
		{"a policy is new under its name", []string{"name: mail\n    match: {media: [email]}", "name: post\n    match: {media: [message]}"}, []string{
			"policy mail (email): removed", "policy post (message): new: reply in office: 3h30m warning to managers, 4h breach to managers",
		}},
		{"bots", []string{"match: {media: [email]}", "match: {media: [email]}\n    bots: reply"}, []string{mail + "bots ignore -> reply"}},
		{"a weekday", []string{`mon: ["09:00-17:00"]`, `mon: ["09:00-12:00", "13:00-17:00"]`}, []string{
			"calendar office (for mail reply): mon 09:00-17:00 -> 09:00-12:00 13:00-17:00",
		}},
		{"weekdays", []string{`, fri: ["09:00-17:00"]`, `, sat: ["09:00-13:00"]`}, []string{
			"calendar office (for mail reply): fri 09:00-17:00 -> closed", "calendar office (for mail reply): sat closed -> 09:00-13:00",
		}},
		{"holidays", []string{`"2026-12-25"`, `"2026-12-26", "2027-01-01"`}, []string{
			"calendar office (for mail reply): holiday added: 2026-12-26, 2027-01-01", "calendar office (for mail reply): holiday removed: 2026-12-25",
		}},
		{"a zone", []string{"{timezone: Europe/Berlin", "{timezone: Europe/Rome"}, []string{"calendar office (for mail reply): timezone Europe/Berlin -> Europe/Rome"}},
		{"a new calendar", []string{"routes:", "  night: {timezone: UTC, weekly: {sat: [\"22:00-06:00\"]}}\nroutes:"}, []string{
			"calendar night (nothing counts in it): new: sat 22:00-06:00 UTC",
		}},
		{"a route tells somebody else", []string{`{slack: {webhook: "env:UNPARK_A"}}`, "{terminal: {}}"}, []string{"route managers: slack -> terminal"}},
		{"an address is not told", []string{"UNPARK_A", "UNPARK_B"}, []string{"route managers: another address for its slack"}},
		{"a route more", []string{"routes:", "routes:\n  all: [{terminal: {}}]"}, []string{"route all: new, tells terminal"}},
		{"timing", []string{"timing: {grace: 10s}", "timing: {settle: 90m}"}, []string{"timing grace: 10s -> default", "timing settle: default -> 1h30m"}},
		{"attributes", []string{"[vip]", "[language]"}, []string{"attribute language: is kept from now on", "attribute vip: is no longer kept"}},
		{"the org", []string{"timezone: Europe/Berlin\nattr", "timezone: Europe/Rome\nactions: {mode: off}\nattr"}, []string{
			"org: timezone Europe/Berlin -> Europe/Rome", "org: actions dry_run -> off",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, diffOf(t, tt.edit...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What Genesys has filled a calendar with is nobody's edit.
func TestDiffSynced(t *testing.T) {
	of := func(calendars map[string]calendar.Config) Org { return Org{Rules: sla.Rules{Calendars: calendars}} }
	synced := map[string]calendar.Config{"office": {ScheduleGroupID: "g-1", ScheduleGroup: &calendar.ScheduleGroup{TimeZone: "UTC"}}}
	folder := map[string]calendar.Config{"office": {ScheduleGroupID: "g-1"}}
	if got := Diff(of(synced), of(folder)); len(got) > 0 {
		t.Errorf("got %v", got)
	}
	folder["office"] = calendar.Config{ScheduleGroupID: "g-2"}
	want := []Change{{What: "calendar", Name: "office", Whom: "nothing counts in it", Text: "schedule group g-1 -> g-2"}}
	if diff := cmp.Diff(want, Diff(of(synced), of(folder))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The order of policies decides which one applies.
func TestDiffOrder(t *testing.T) {
	l := &loader{}
	a, _ := l.parseOrg("orgs/acme.yaml", []byte(diffed))
	b := a
	b.Policies = slices.Clone(a.Policies)
	slices.Reverse(b.Policies)
	want := []Change{{What: "policies", Text: "tried in another order: whatsapp, mail"}}
	if diff := cmp.Diff(want, Diff(a, b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.Policies[1].Name = "post"
	want = []Change{
		{What: "policy", Name: "post", Whom: "email", Text: "renamed, it was mail"}, {What: "policies", Text: "tried in another order: whatsapp, post"},
	}
	if diff := cmp.Diff(want, Diff(a, b)); diff != "" {
		t.Errorf("renamed as well (-want +got):\n%s", diff)
	}
	b.Policies = nil
	if got := Diff(a, b); len(got) != 4 || got[3].Name != "default" {
		t.Errorf("without policies: %v, want an attribute and two policies gone, and the default one", got)
	}
}

func TestHours(t *testing.T) {
	l := &loader{}
	o, _ := l.parseOrg("orgs/acme.yaml", []byte(`id: o
calendars:
  office: {timezone: UTC, weekly: {mon: &d ["09:00-12:00", "13:00-17:00"], tue: *d, wed: *d, fri: ["09:00-17:00"]}, holidays: ["2026-12-25"]}
  synced: {schedule_group_id: g-1}
`))
	want := "mon-wed 09:00-12:00 13:00-17:00, fri 09:00-17:00 UTC, holidays: 1"
	if got := Hours(o.Calendars["office"]); got != want {
		t.Errorf("Hours = %q, want %q", got, want)
	}
	if got := Hours(o.Calendars["synced"]); got != "a schedule group by id" {
		t.Errorf("Hours = %q", got)
	}
}
