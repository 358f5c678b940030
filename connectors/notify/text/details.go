package text

import (
	"strings"

	"unpark/schemas"
)

// details are the facts of whoever writes no template for them.
func (f *Fields) details() string {
	var b strings.Builder
	say := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
		}
	}
	if f.Agent != "" {
		say("Agent: ", f.Agent)
		if f.AgentState != "" {
			say(", ", f.AgentState)
		}
		if f.AgentSince != "" {
			say(" since ", f.AgentSince)
		}
	}
	say("\nQueue: ", f.Queue, "\n")
	if f.Objective == "reply" || f.Objective == "first reply" {
		say("Waiting")
	} else {
		say("Open")
	}
	say(": ", f.Waited, " counted, since ", f.Start, "\nRule: ", f.Objective, ", ", f.Kind, " at ", f.Tier, ", policy ", f.Policy, ", due ", f.Due, "\nChecked: ")
	switch {
	case !f.Verified && f.Status != schemas.StatusRaised:
		say("not verified when it was raised")
	case !f.Verified:
		say("not verified, events alone say so")
	case f.ObservedAt != "":
		say("verified in Genesys ", f.ObservedAt)
	default:
		say("verified in Genesys")
	}
	if f.Action != "" {
		say("\nAction: ", f.Action, ", ", f.Outcome)
		if f.Reason != "" {
			say(" (", f.Reason, ")")
		}
	}
	say("\nOrg: ", f.Org, "\n")
	return b.String()
}
