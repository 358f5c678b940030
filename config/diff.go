package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"unpark/processor/sla"
	"unpark/schemas"
)

// Change is one thing that a new version of an org's file changes, in words.
type Change struct {
	// What is the part: policy, calendar, route, timing, attributes, org.
	What string `json:"what"`
	// Name is that of the policy, calendar, route or key; empty for the org.
	Name string `json:"name,omitempty"`
	// Whom says which conversations a change of a policy or calendar concerns.
	Whom string `json:"whom,omitempty"`
	Text string `json:"text"`
}

func (c Change) String() string {
	s := strings.TrimSpace(c.What + " " + c.Name)
	if c.Whom != "" {
		s += " (" + c.Whom + ")"
	}
	return s + ": " + c.Text
}

// Diff says what putting next in force instead of old would change, in a fixed
// order. Addresses and their references are compared and not told. It is empty if
// the two mean the same.
func Diff(old, next Org) []Change {
	old, next = bothNamed(old, next)
	d := differ{old: old.filled(), next: next.filled()}
	d.org()
	d.policies()
	d.calendars()
	d.routes()
	d.timing()
	return d.changes
}

// filled is the org with what it means where it says nothing.
func (o Org) filled() Org {
	if len(o.Policies) == 0 {
		o.Policies = sla.DefaultPolicies()
	}
	return o
}

// differ collects what has changed from old to next.
type differ struct {
	old, next Org
	changes   []Change
}

func (d *differ) add(what, name, whom, format string, args ...any) {
	d.changes = append(d.changes, Change{what, name, whom, fmt.Sprintf(format, args...)})
}

// moved adds a change from one word to another, if they differ.
func (d *differ) moved(what, name, whom, of, from, to string) {
	if from != to {
		d.add(what, name, whom, "%s", strings.TrimSpace(of+" "+said(from)+" -> "+said(to)))
	}
}

// said is the word for what a file does not say.
func said(word string) string {
	if word == "" {
		return "none"
	}
	return word
}

func (d *differ) org() {
	const org = "org"
	d.moved(org, "", "", "name", d.old.Name, d.next.Name)
	d.moved(org, "", "", "timezone", d.old.Timezone, d.next.Timezone)
	d.moved(org, "", "", "checks", onOff(d.old.Checks), onOff(d.next.Checks))
	d.moved(org, "", "", "actions", d.old.Actions.Mode, d.next.Actions.Mode)
	d.moved(org, "", "", "actions per hour", fmt.Sprint(d.old.Actions.PerHour), fmt.Sprint(d.next.Actions.PerHour))
	switch old, next := d.old.Genesys, d.next.Genesys; {
	case old == nil && next != nil:
		d.add(org, "", "", "a Genesys connection is new")
	case old != nil && next == nil:
		d.add(org, "", "", "the Genesys connection is gone")
	case old != nil && *old != *next:
		d.add(org, "", "", "the Genesys connection has changed")
	}
	if !reflect.DeepEqual(d.old.Texts, d.next.Texts) {
		d.add(org, "", "", "the texts have changed")
	}
	old, next := d.old.KeptAttributes(), d.next.KeptAttributes()
	for _, key := range without(next, old) {
		d.add("attribute", key, "", "is kept from now on")
	}
	for _, key := range without(old, next) {
		d.add("attribute", key, "", "is no longer kept")
	}
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

func (d *differ) routes() {
	old, next := d.old.Routes, d.next.Routes
	for _, name := range names(old, next) {
		a, b := old[name], next[name]
		was, is := Destinations(a.To), Destinations(b.To)
		switch {
		case len(a.To) == 0 && len(b.To) > 0:
			d.add("route", name, "", "new, tells %s", is)
		case len(b.To) == 0 && len(a.To) > 0:
			d.add("route", name, "", "removed, told %s", was)
			continue
		case was != is:
			d.moved("route", name, "", "", was, is)
		default:
			for i := range a.To {
				if !sameDestination(a.To[i], b.To[i]) {
					d.add("route", name, "", "another address for its %s", b.To[i].Type())
				}
			}
		}
		for i, habit := range Habits(b) {
			d.moved("route", name, "", habit.What, Habits(a)[i].Text, habit.Text)
		}
	}
}

func (d *differ) timing() {
	duration := func(d *schemas.Duration) string {
		if d == nil {
			return "default"
		}
		return Short(*d)
	}
	a, b := d.old.Timing, d.next.Timing
	for _, t := range []struct {
		key       string
		old, next *schemas.Duration
	}{
		{"grace", a.Grace, b.Grace}, {"settle", a.Settle, b.Settle}, {"late", a.Late, b.Late}, {"fresh", a.Fresh, b.Fresh},
		{"check_timeout", a.CheckTimeout, b.CheckTimeout}, {"followup", a.Followup, b.Followup}, {"lead", a.Lead, b.Lead}, {"hold", a.Hold, b.Hold},
	} {
		d.moved("timing", t.key, "", "", duration(t.old), duration(t.next))
	}
}

// Short writes a duration without the parts that are zero: 3h30m.
func Short(d schemas.Duration) string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// names are the keys of either map, sorted.
func names[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// without returns what of a is not in b, in the order of a.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}
