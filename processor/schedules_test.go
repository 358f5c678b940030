package processor_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"unpark/processor/calendar"
	"unpark/processor/replay"
	"unpark/processor/sla"
	"unpark/processor/stream"
	"unpark/schemas"
)

// TestSyncedEqualsWrittenOut: what is told under schedule groups by their ids, whose
// content comes and changes on the way, is what would be told if each change were
// one of the org's file, with the content written out. The log leads to the same
// bytes again.
func TestSyncedEqualsWrittenOut(t *testing.T) {
	oracle(t, 100)
	rapid.Check(t, func(rt *rapid.T) {
		synced := genSyncedHistory(rt)
		got, log := synced.recorded(t)
		want, _ := synced.writtenOut().recorded(t)
		if diff := cmp.Diff(withoutVersions(t, want), withoutVersions(t, got)); diff != "" {
			rt.Fatalf("(-written out +synced):\n%s", diff)
		}
		if diff := cmp.Diff(asText(got), asText(synced.again(t, log))); diff != "" {
			rt.Fatalf("the log leads to other records (-first +again):\n%s", diff)
		}
	})
}

// again applies a log as it stands.
func (h history) again(t *testing.T, log []stream.Record) (out [][]byte) {
	t.Helper()
	d, err := replay.New(newHandler(t, h), func(o stream.Output) error {
		out = append(out, o.Value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, r := range log {
		if err := d.ApplyRecord(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	return out
}

func withoutVersions(t *testing.T, records [][]byte) []*schemas.Escalation {
	t.Helper()
	all := decodeAll(t, records)
	for _, e := range all {
		e.PolicyVersion = ""
	}
	return all
}

// genSyncedHistory is a history whose calendars are schedule groups by their ids.
func genSyncedHistory(t *rapid.T) history {
	h := genChangedHistory(t, func(t *rapid.T, org string) sla.Rules {
		rules := genRules(t, org)
		for name := range rules.Calendars {
			rules.Calendars[name] = calendar.Config{ScheduleGroupID: "g-" + name}
		}
		return rules
	})
	h.schedules = make(map[schemas.OrgConfigKey][]byte)
	for range rapid.IntRange(0, 4).Draw(t, "syncs") {
		org := rapid.SampledFrom(h.orgs).Draw(t, "synced org").rules.ID
		data, err := genGroups(t).JSON()
		if err != nil {
			t.Fatal(err)
		}
		key := schemas.OrgConfigKey{Org: org, Part: schemas.PartSchedules, Version: schemas.ContentVersion(data)}
		h.schedules[key] = data
		i := rapid.IntRange(0, len(h.moments)-1).Draw(t, "synced")
		h.moments = slices.Insert(h.moments, i, moment{input: &schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{
			ConfigActivated: &schemas.ConfigActivated{OrgId: org, Part: key.Part, Version: key.Version},
		}}})
	}
	return h
}

// genGroups draws contents of the groups, one of which may be missing.
func genGroups(t *rapid.T) calendar.Groups {
	groups := calendar.Groups{}
	if rapid.IntRange(0, 3).Draw(t, "pulse is there") > 0 {
		minutes := rapid.SampledFrom([]int{10, 20, 30}).Draw(t, "open for")
		groups["g-pulse"] = calendar.ScheduleGroup{TimeZone: "UTC", OpenSchedules: []calendar.Schedule{
			{Start: "2026-01-05T00:00:00.000", End: fmt.Sprintf("2026-01-05T00:%02d:00.000", minutes), RRule: "FREQ=HOURLY"},
		}}
	}
	if rapid.IntRange(0, 3).Draw(t, "office is there") > 0 {
		office := calendar.ScheduleGroup{TimeZone: "Europe/Berlin", OpenSchedules: []calendar.Schedule{
			{Start: "2026-01-05T08:30:00.000", End: "2026-01-05T17:00:00.000", RRule: "FREQ=WEEKLY;BYDAY=MO,TU,WE"},
		}}
		if rapid.Bool().Draw(t, "holiday") {
			office.HolidaySchedules = []calendar.Schedule{{Start: "2026-03-03T00:00:00.000", End: "2026-03-04T00:00:00.000"}}
		}
		groups["g-office"] = office
	}
	return groups
}

// writtenOut is the history with versions of the rules for each version of the
// schedules, in which the content stands where the id did.
func (h history) writtenOut() history {
	out := h
	out.orgs, out.moments, out.schedules = nil, nil, nil
	rules, groups := map[string]orgConfig{}, map[string]calendar.Groups{}
	for _, c := range h.orgs {
		if _, known := rules[c.rules.ID]; !known {
			rules[c.rules.ID] = c
			out.orgs = append(out.orgs, c)
		}
	}
	for _, m := range h.moments {
		if a := m.input.GetConfigActivated(); a != nil {
			if a.Part == schemas.PartSchedules {
				groups[a.OrgId], _ = calendar.ParseGroups(h.schedules[schemas.OrgConfigKey{Org: a.OrgId, Part: a.Part, Version: a.Version}])
			} else {
				i := slices.IndexFunc(h.orgs, func(c orgConfig) bool { return c.version == a.Version && c.rules.ID == a.OrgId })
				rules[a.OrgId] = h.orgs[i]
			}
			filled := rules[a.OrgId].rules.WithSchedules(groups[a.OrgId])
			for name, c := range filled.Calendars {
				if !c.Synced() {
					c.ScheduleGroupID = ""
					filled.Calendars[name] = c
				}
			}
			c := newOrgConfig(filled)
			out.orgs = append(out.orgs, c)
			m = moment{input: activationOf(c)}
		}
		out.moments = append(out.moments, m)
	}
	return out
}
