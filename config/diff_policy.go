package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"unpark/processor/sla"
)

// policies compares them by name; one that says the same under another name was
// renamed.
func (d *differ) policies() {
	renamed := d.renamedPolicies()
	for _, p := range d.old.Policies {
		_, kept := policyCalled(d.next.Policies, p.Name)
		if !kept && renamed[p.Name] == "" {
			d.add("policy", p.Name, Conversations(p.Match), "removed")
		}
	}
	var before, after []string // those of both by their new names, in the order of old and of next
	for _, p := range d.old.Policies {
		if _, kept := policyCalled(d.next.Policies, p.Name); kept {
			before = append(before, p.Name)
		} else if name := renamed[p.Name]; name != "" {
			before = append(before, name)
		}
	}
	for _, p := range d.next.Policies {
		old, known := policyCalled(d.old.Policies, p.Name)
		switch from := formerName(renamed, p.Name); {
		case known:
			after = append(after, p.Name)
			d.policy(old, p)
		case from != "":
			after = append(after, p.Name)
			d.add("policy", p.Name, Conversations(p.Match), "renamed, it was %s", from)
		default:
			d.add("policy", p.Name, Conversations(p.Match), "new: %s", strings.Join(Promises(p), "; "))
		}
	}
	if !slices.Equal(before, after) {
		d.add("policies", "", "", "tried in another order: %s", strings.Join(after, ", "))
	}
}

// renamedPolicies maps old names to new ones.
func (d *differ) renamedPolicies() map[string]string {
	renamed := make(map[string]string)
	for _, p := range d.next.Policies {
		if _, known := policyCalled(d.old.Policies, p.Name); known {
			continue
		}
		for _, old := range d.old.Policies {
			_, kept := policyCalled(d.next.Policies, old.Name)
			name := old.Name
			old.Name = p.Name
			if !kept && renamed[name] == "" && reflect.DeepEqual(old, p) {
				renamed[name] = p.Name
				break
			}
		}
	}
	return renamed
}

func formerName(renamed map[string]string, name string) string {
	for from, to := range renamed {
		if to == name {
			return from
		}
	}
	return ""
}

func policyCalled(list []sla.Policy, name string) (sla.Policy, bool) {
	i := slices.IndexFunc(list, func(p sla.Policy) bool { return p.Name == name })
	if i < 0 {
		return sla.Policy{}, false
	}
	return list[i], true
}

func (d *differ) policy(old, next sla.Policy) {
	const what = "policy"
	whom := Conversations(next.Match)
	if was := Conversations(old.Match); was != whom {
		d.add(what, next.Name, "", "is for other conversations: %s -> %s", was, whom)
	}
	bots := func(p sla.Policy) string {
		if p.Bots == "" {
			return sla.BotsIgnore
		}
		return p.Bots
	}
	d.moved(what, next.Name, whom, "bots", bots(old), bots(next))
	for _, o := range old.Objectives {
		if _, kept := objectiveCalled(next, o.Objective); !kept {
			d.add(what, next.Name, whom, "%s is no longer promised", o.Objective)
		}
	}
	for _, o := range next.Objectives {
		was, known := objectiveCalled(old, o.Objective)
		if !known {
			d.add(what, next.Name, whom, "promises %s", Promise(o))
			continue
		}
		d.moved(what, next.Name, whom, o.Objective+" counts in", hoursOf(was), hoursOf(o))
		d.tiers(next.Name, whom, was, o)
	}
}

func objectiveCalled(p sla.Policy, name string) (sla.Objective, bool) {
	i := slices.IndexFunc(p.Objectives, func(o sla.Objective) bool { return o.Objective == name })
	if i < 0 {
		return sla.Objective{}, false
	}
	return p.Objectives[i], true
}

// tiers compares those of one objective. What has neither stayed nor moved was
// removed or added.
func (d *differ) tiers(policy, whom string, old, next sla.Objective) {
	add := func(format string, args ...any) {
		d.add("policy", policy, whom, "%s: "+format, append([]any{next.Objective}, args...)...)
	}
	gone, came := byTime(old.Tiers), byTime(next.Tiers)
	for _, same := range []func(a, b sla.Tier) bool{
		func(a, b sla.Tier) bool { return a.Kind == b.Kind && a.At == b.At },
		func(a, b sla.Tier) bool { return a.Kind == b.Kind },
		func(a, b sla.Tier) bool { return a.At == b.At },
	} {
		gone = slices.DeleteFunc(gone, func(was sla.Tier) bool {
			i := slices.IndexFunc(came, func(t sla.Tier) bool { return same(was, t) })
			if i < 0 {
				return false
			}
			is := came[i]
			came = slices.Delete(came, i, i+1)
			if was.At != is.At {
				add("%s moved %s -> %s", is.Kind, Short(was.At), Short(is.At))
			}
			if from, to := tierWords(was), tierWords(is); from != to {
				add("the tier at %s says %s -> %s", Short(is.At), from, to)
			}
			return true
		})
	}
	for _, t := range gone {
		add("%s at %s removed", tierWords(t), Short(t.At))
	}
	for _, t := range came {
		add("%s at %s added", tierWords(t), Short(t.At))
	}
}

func byTime(tiers []sla.Tier) []sla.Tier {
	return slices.SortedStableFunc(slices.Values(tiers), func(a, b sla.Tier) int { return int(a.At - b.At) })
}

// tierWords is what happens at a tier: warning to managers.
func tierWords(t sla.Tier) string {
	s := t.Kind
	if t.Action != "" {
		s += " " + t.Action
	}
	if len(t.Notify) > 0 {
		s += " to " + strings.Join(t.Notify, ", ")
	}
	return s
}

// Promises is what a policy promises, objective by objective.
func Promises(p sla.Policy) []string {
	var list []string
	for _, o := range p.Objectives {
		list = append(list, Promise(o))
	}
	return list
}

// Promise is an objective in words.
func Promise(o sla.Objective) string {
	var tiers []string
	for _, t := range byTime(o.Tiers) {
		tiers = append(tiers, fmt.Sprintf("%s %s", Short(t.At), tierWords(t)))
	}
	return fmt.Sprintf("%s in %s: %s", o.Objective, hoursOf(o), strings.Join(tiers, ", "))
}

func hoursOf(o sla.Objective) string {
	if o.Hours == "" {
		return sla.HoursAlways
	}
	return o.Hours
}

// Conversations says which conversations a policy is for.
func Conversations(m sla.Match) string {
	var keys []string
	for _, k := range []struct {
		name   string
		values []string
	}{
		{"", m.Media}, {"", m.MessageType}, {"", m.Direction}, {"queue ", m.Queue}, {"queue named ", m.QueueName}, {"division ", m.Division},
	} {
		if len(k.values) > 0 {
			keys = append(keys, k.name+strings.Join(k.values, " or "))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.Attributes)) {
		keys = append(keys, fmt.Sprintf("attribute %s = %s", key, m.Attributes[key]))
	}
	if len(keys) == 0 {
		return "all conversations"
	}
	return strings.Join(keys, ", ")
}
