package config

import (
	"slices"

	"unpark/processor/sla"
)

// covered returns the first of the earlier policies that matches everything m
// does.
func covered(earlier []sla.Policy, m sla.Match) (int, bool) {
	i := slices.IndexFunc(earlier, func(p sla.Policy) bool { return covers(p.Match, m) })
	return i, i >= 0
}

// covers says whether whatever b matches, a matches too. It compares key by key
// and so may miss some, but what it says is so.
func covers(a, b sla.Match) bool {
	for key, value := range a.Attributes {
		if v, ok := b.Attributes[key]; !ok || v != value {
			return false
		}
	}
	return within(b.Media, anyOf(a.Media, "email", "message")) &&
		within(b.Direction, anyOf(a.Direction, "inbound", "outbound")) &&
		within(b.MessageType, a.MessageType) &&
		within(queues(b), queues(a)) &&
		within(b.Division, a.Division)
}

// queues are those that a match is for, by id or by name: any of them.
func queues(m sla.Match) []string {
	all := slices.Clone(m.Queue)
	for _, name := range m.QueueName {
		all = append(all, "name "+name) // no id has a space
	}
	return all
}

// anyOf makes a list of all there is no condition, as an empty list is none.
func anyOf(list []string, all ...string) []string {
	if within(all, list) {
		return nil
	}
	return list
}

// within says whether a condition on inner is at least as narrow as on outer.
func within(inner, outer []string) bool {
	if len(outer) == 0 {
		return true
	}
	return len(inner) > 0 && !slices.ContainsFunc(inner, func(v string) bool { return !slices.Contains(outer, v) })
}
