package sla

import (
	"testing"

	"unpark/schemas"
)

// TestMismatchIsHolds compares what is told of a match with what decides.
func TestMismatchIsHolds(t *testing.T) {
	matches := []Match{
		{}, {Media: []string{"email", "message"}}, {MessageType: []string{"whatsapp"}}, {Direction: []string{"inbound"}},
		{Queue: []string{"q"}}, {Division: []string{"d"}}, {Attributes: map[string]string{"vip": "yes"}},
		{Media: []string{"email"}, Queue: []string{"q"}, Attributes: map[string]string{"vip": "yes", "tier": "gold"}},
	}
	fact := func(value string) *schemas.Fact { return &schemas.Fact{Value: value} }
	episodes := []*schemas.Episode{
		{FirstStart: fact("inbound")}, {FirstStart: fact("outbound"), Media: fact("email"), Queue: fact("q")},
		{Media: fact("message"), MessageType: fact("whatsapp"), Division: fact("d")},
		{Media: fact("email"), Queue: fact("q"), Attributes: map[string]*schemas.Fact{"vip": fact("yes"), "tier": fact("gold")}},
		{Media: fact("email"), Attributes: map[string]*schemas.Fact{"vip": fact("no")}},
	}
	for _, m := range matches {
		for _, ep := range episodes {
			if because := m.mismatch(ep); (because == "") != m.holds(ep) {
				t.Errorf("match %+v of %v: holds %v, told %q", m, ep, m.holds(ep), because)
			}
		}
	}
}
