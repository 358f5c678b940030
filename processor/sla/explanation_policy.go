package sla

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"unpark/schemas"
)

// PassedPolicy is a policy that was tried and does not match.
type PassedPolicy struct {
	Policy  string `json:"policy"`
	Because string `json:"because"`
}

// policy tells which policy applies and why those before it do not.
func (x *Explanation) policy(s *step) *policy {
	for i := range s.env.Rules.policies {
		p := &s.env.Rules.policies[i]
		because := p.match.mismatch(s.st.Episode)
		if because == "" {
			x.Policy = text(p.name)
			return p
		}
		x.PassedOver = append(x.PassedOver, PassedPolicy{p.name, because})
	}
	return nil
}

// mismatch says which key of the match does not hold; empty if it holds. Values
// of attributes are the customer's and are not told.
func (m *Match) mismatch(ep *schemas.Episode) string {
	for _, key := range []struct {
		name    string
		allowed []string
		value   string
	}{
		{"media", m.Media, ep.Media.GetValue()},
		{"message_type", m.MessageType, ep.MessageType.GetValue()},
		{"direction", m.Direction, direction(ep)},
		{"queue", m.Queue, ep.Queue.GetValue()},
		{"division", m.Division, ep.Division.GetValue()},
	} {
		switch {
		case len(key.allowed) == 0 || slices.Contains(key.allowed, key.value):
		case key.value == "":
			return fmt.Sprintf("%s is not known, it wants %s", key.name, strings.Join(key.allowed, " or "))
		default:
			return fmt.Sprintf("%s is %s, it wants %s", key.name, key.value, strings.Join(key.allowed, " or "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		switch got, ok := ep.Attributes[name]; {
		case !ok:
			return fmt.Sprintf("attribute %s is not there", name)
		case got.Value != m.Attributes[name]:
			return fmt.Sprintf("attribute %s has another value", name)
		}
	}
	return ""
}
