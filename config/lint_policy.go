package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"unpark/processor/sla"
	"unpark/schemas"
)

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func (o Org) lintPolicies(r *reporter) {
	names := make(map[string]int)
	for i, p := range o.Policies {
		path := index("policies", i)
		if first, ok := names[p.Name]; ok && p.Name != "" {
			r.err(path+".name", "%q is the name of policies[%d] already", p.Name, first)
		} else {
			names[p.Name] = i
		}
		o.lintPolicy(r, path, p)
		if j, ok := covered(o.Policies[:i], p.Match); ok {
			r.warn(path+".match", "never applies: policies[%d] (%s) comes first and matches all of it", j, o.Policies[j].Name)
		}
	}
	// The processor has the last word on what it can judge by.
	if _, err := sla.Compile(o.withoutNames(), ""); err != nil && !r.failed() {
		r.err("policies", "%v", err)
	}
}

// withoutNames is the org's rules as if the queues that policies name were nobody's.
func (o Org) withoutNames() sla.Rules {
	rules := o.Rules
	rules.Policies = slices.Clone(rules.Policies)
	for i := range rules.Policies {
		rules.Policies[i].Match.QueueName = nil
	}
	return rules
}

func (o Org) lintPolicy(r *reporter, path string, p sla.Policy) {
	if p.Name == "" {
		r.err(path+".name", "missing; alerts name the policy they come from")
	}
	lintMatch(r, path+".match", p.Match)
	if len(p.Match.QueueName) > 0 && o.Genesys == nil {
		r.err(path+".match.queue_name", "names are looked up in Genesys, which needs genesys: {region: ..., client_id: ..., client_secret: ...}; add that, or write ids under queue")
	}
	if !slices.Contains([]string{"", sla.BotsIgnore, sla.BotsReply}, p.Bots) {
		r.err(path+".bots", "%q is neither %s nor %s", p.Bots, sla.BotsIgnore, sla.BotsReply)
	}
	if len(p.Objectives) == 0 {
		r.err(path+".objectives", "missing; a policy promises something")
	}
	seen := make(map[string]int)
	for i, ob := range p.Objectives {
		at := index(path+".objectives", i)
		if first, ok := seen[ob.Objective]; ok && ob.Objective != "" {
			r.err(at+".objective", "%s stands in objectives[%d] already; write its tiers there", ob.Objective, first)
		} else {
			seen[ob.Objective] = i
		}
		o.lintObjective(r, at, ob)
	}
}

func lintMatch(r *reporter, path string, m sla.Match) {
	oneOf(r, path+".media", m.Media, "email", "message")
	oneOf(r, path+".direction", m.Direction, "inbound", "outbound")
	for key, list := range map[string][]string{"message_type": m.MessageType, "queue": m.Queue, "queue_name": m.QueueName, "division": m.Division} {
		for i, v := range list {
			at := index(join(path, key), i)
			switch {
			case strings.TrimSpace(v) == "":
				r.err(at, "empty")
			case key == "message_type" && v != strings.ToLower(v):
				r.err(at, "%q must be in lower case; write %s", v, strings.ToLower(v))
			}
		}
	}
	if _, ok := m.Attributes[""]; ok {
		r.err(path+".attributes", "has an empty key")
	}
}

func oneOf(r *reporter, path string, values []string, known ...string) {
	for i, v := range values {
		if !slices.Contains(known, v) {
			r.err(index(path, i), "%q cannot be matched; write %s", v, strings.Join(known, " or "))
		}
	}
}

func (o Org) lintObjective(r *reporter, path string, ob sla.Objective) {
	known := []string{sla.Reply, sla.FirstReply, sla.Resolution, sla.Open}
	if !slices.Contains(known, ob.Objective) {
		r.err(path+".objective", "%q is no objective; write %s", ob.Objective, strings.Join(known, ", "))
	}
	_, defined := o.Calendars[ob.Hours]
	switch {
	case ob.Hours == "":
		r.err(path+".hours", "missing; write a calendar's name, or %s", sla.HoursAlways)
	case ob.Hours != sla.HoursAlways && !defined:
		r.err(path+".hours", "%s", unknown("calendar", ob.Hours, append(slices.Collect(maps.Keys(o.Calendars)), sla.HoursAlways)))
	}
	if len(ob.Tiers) == 0 {
		r.err(path+".tiers", "missing; write at least {at: 4h, kind: breach, notify: [...]}")
	}
	for i, t := range ob.Tiers {
		at := index(path+".tiers", i)
		lintAt(r, at+".at", ob.Tiers[:i], t.At)
		o.lintTier(r, at, t)
	}
}

func lintAt(r *reporter, path string, before []sla.Tier, d schemas.Duration) {
	same := slices.IndexFunc(before, func(t sla.Tier) bool { return t.At == d })
	switch {
	case d <= 0:
		r.err(path, "%s; write how much counted time passes before this tier, such as 3h30m", d)
	case d%schemas.Duration(1e6) != 0:
		r.err(path, "%s is no whole number of milliseconds", d)
	case same >= 0:
		r.err(path, "%s is that of tiers[%d] already; every tier of an objective needs its own", short(d), same)
	case len(before) > 0 && d < before[len(before)-1].At:
		r.warn(path, "%s comes before the tier above it; write tiers in the order in which they fall due", short(d))
	}
}

// short writes 3h0m0s as 3h.
func short(d schemas.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = strings.TrimSuffix(s, zero[1:])
		}
	}
	return s
}

func (o Org) lintTier(r *reporter, path string, t sla.Tier) {
	actions := []string{sla.ActionRequeue, sla.ActionDisconnect}
	switch {
	case t.Kind != sla.KindWarning && t.Kind != sla.KindBreach && t.Kind != sla.KindAction:
		r.err(path+".kind", "%q is no kind; write %s, %s or %s", t.Kind, sla.KindWarning, sla.KindBreach, sla.KindAction)
	case t.Kind != sla.KindAction && t.Action != "":
		r.err(path+".action", "has no place in a %s; write kind: action, or remove it", t.Kind)
	case t.Kind == sla.KindAction && !slices.Contains(actions, t.Action):
		r.err(path+".action", "%q is no action; write %s", t.Action, strings.Join(actions, " or "))
	}
	for i, name := range t.Notify {
		if _, ok := o.Routes[name]; !ok {
			r.about(AboutRoutes).err(index(path+".notify", i), "%s", unknown("route", name, slices.Collect(maps.Keys(o.Routes))))
		}
	}
}
