package config

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // an image FROM scratch knows no zones

	"unpark/processor/calendar"
	"unpark/processor/sla"
	"unpark/schemas"
)

// lint says what is wrong with an org's file beyond its form.
func (o Org) lint(r *reporter, now time.Time) {
	o.lintIdentity(r)
	o.lintTiming(r)
	o.lintCalendars(r, now)
	o.lintPolicies(r)
	o.lintRoutes(r)
	o.lintTexts(r)
	o.lintGenesys(r)
}

func (o Org) lintIdentity(r *reporter) {
	switch {
	case o.ID == "":
		r.err("id", "missing; write the org's id, as Genesys shows it under Organization Settings")
	case strings.ContainsAny(o.ID, "/ \t\n\x00"):
		r.err("id", "%q is no id; it may hold neither a slash nor a space", o.ID)
	}
	if o.Timezone != "" && !zone(o.Timezone) {
		r.err("timezone", "unknown zone %q; write an IANA zone such as Europe/Berlin", o.Timezone)
	}
	for i, a := range o.Attributes {
		if a == "" {
			r.err(index("attributes", i), "empty; write the key of a participant attribute")
		}
	}
}

// lintTexts finds the templates that could not say what they are to say.
func (o Org) lintTexts(r *reporter) {
	for _, p := range o.Texts.Validate() {
		r.err("texts"+p.Field, "%s", p.Message)
	}
	for i, t := range o.Texts {
		for _, name := range t.Match.Policy {
			if !o.hasPolicy(name) {
				r.err(index("texts", i)+".match.policy", "there is no policy %q", name)
			}
		}
	}
}

// hasPolicy: without policies of its own an org has the default one.
func (o Org) hasPolicy(name string) bool {
	return len(o.Policies) == 0 || slices.ContainsFunc(o.Policies, func(p sla.Policy) bool { return p.Name == name })
}

func zone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil && name != "Local"
}

func (o Org) lintTiming(r *reporter) {
	t := o.Timing
	for key, d := range map[string]*schemas.Duration{
		"grace": t.Grace, "settle": t.Settle, "late": t.Late, "fresh": t.Fresh,
		"check_timeout": t.CheckTimeout, "followup": t.Followup, "lead": t.Lead, "hold": t.Hold,
	} {
		if d != nil && *d < 0 {
			r.err("timing."+key, "%s is negative", d)
		}
	}
}

func (o Org) lintCalendars(r *reporter, now time.Time) {
	for _, name := range slices.Sorted(maps.Keys(o.Calendars)) {
		path := join("calendars", name)
		if name == sla.HoursAlways {
			r.err(path, "%s is the name of the calendar that never closes; choose another", name)
		}
		c, err := calendar.Compile(o.Calendars[name])
		var ps calendar.Problems
		switch {
		case errors.As(err, &ps):
			for _, p := range ps {
				r.err(join(path, p.Field), "%s", p.Message)
			}
		case err != nil:
			r.err(path, "%v", err)
		case !c.OpensWithin(now.UnixMilli()):
			r.about(AboutFuture).err(path, "does not open within five years, so nothing would ever be due; add opening hours")
		case o.Calendars[name].Synced():
			r.warn(path+".schedule_group_id", "%s", o.awaited())
		}
		for _, p := range calendar.Doubts(o.Calendars[name]) {
			r.warn(join(path, p.Field), "%s", p.Message)
		}
	}
}

// awaited says when a schedule group has its content.
func (o Org) awaited() string {
	if o.Genesys == nil {
		return "counts as always: a schedule group is synced if the org has genesys: {region: ..., client_id: ..., client_secret: ...}; add that, or write its hours here"
	}
	return "counts as always until the schedule group has been synced from Genesys, which `unpark run` does every 15 minutes; `unpark config show` tells"
}

// lintRoutes leaves nobody untold by a slip of the pen.
func (o Org) lintRoutes(r *reporter) {
	for _, p := range o.Routes.Validate(slices.Collect(maps.Keys(o.Calendars))) {
		r.err(join("routes", p.Field), "%s", p.Message)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Routes)) {
		for i, d := range o.Routes[name].To {
			refs := d.References()
			for _, field := range slices.Sorted(maps.Keys(refs)) {
				r.reference(join(index(join("routes", name), i), field), refs[field])
			}
		}
	}
	if _, ok := o.Routes["default"]; !ok && len(o.Policies) == 0 {
		r.about(AboutRoutes).warn("policies", "without policies the default policy applies, and it tells a route called default, which is not there: nobody is told")
	}
}
