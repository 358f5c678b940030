package text

// because says in plain words why an action had its outcome; a reason without words
// of its own, such as an answer of Genesys, stands for itself.
func because(reason string) string {
	if s, ok := becauses[reason]; ok {
		return ": " + s
	}
	if reason == "" {
		return ""
	}
	return ": " + words(reason)
}

// becauses has the reasons of the rules (processor/sla) and of the verifier
// (connectors/genesys).
var becauses = map[string]string{
	"checks_off":    "checks are off, so nothing is verified",
	"actions_off":   "actions are off for this org",
	"off":           "actions are off for this org",
	"unverified":    "Genesys has not said that it still stands",
	"moved":         "it has moved since the last check",
	"no_agent":      "nobody holds it",
	"not_held":      "nobody holds it",
	"agent_changed": "somebody else holds it by now",
	"no_queue":      "its queue is not known",
	"cap":           "the actions of this hour are used up",
	"per_hour":      "the actions of this hour are used up",
	"ended":         "it is over",
	"timeout":       "Genesys did not answer in time",
}
