package text

import (
	"fmt"
	"strings"

	"unpark/schemas"
)

// headline is the sentence of an escalation for which the org has no template.
func headline(e *schemas.Escalation) string {
	switch e.Status {
	case schemas.StatusCleared:
		return "Cleared: " + cleared(e)
	case schemas.StatusRetracted:
		return fmt.Sprintf("Retracted: Conversation %s was not due. The %s no longer stands.", Name(e.Conversation), Tier(e))
	}
	subject := fmt.Sprintf("SLA %s: Conversation %s ", strings.ToUpper(clean(e.Kind)), Name(e.Conversation))
	switch e.Kind {
	case "warning":
		return subject + fmt.Sprintf("has been open for %s. ", span(e.TierSeconds)) + holder(e) + " Please intervene."
	case "action":
		return subject + missed(e) + " " + formerHolder(e) + " " + action(e)
	}
	return subject + missed(e) + " " + holder(e) + " Please intervene."
}

// missed says which promise was not kept. Warnings do not use it: their sentence
// is the same for every objective, since people filter on it.
func missed(e *schemas.Escalation) string {
	after := span(e.TierSeconds)
	switch e.Objective {
	case "reply":
		return fmt.Sprintf("has waited %s for an answer.", after)
	case "first_reply":
		return fmt.Sprintf("has waited %s for its first answer.", after)
	case "resolution":
		return fmt.Sprintf("has been unresolved for %s.", after)
	}
	return fmt.Sprintf("has been open for %s.", after)
}

func holder(e *schemas.Escalation) string {
	if agent := agentName(e); agent != "" {
		return "It is currently locked by agent " + agent + "."
	}
	if queue := queueName(e); queue != "" {
		return "It waits in queue " + queue + "."
	}
	return "No agent holds it."
}

// formerHolder is holder, unless the action has just taken it away.
func formerHolder(e *schemas.Escalation) string {
	if e.Action != nil && e.Action.Outcome == "done" {
		return strings.Replace(holder(e), "It is currently locked", "It was locked", 1)
	}
	return holder(e)
}

// action says what became of the action, and asks for help unless it was done.
func action(e *schemas.Escalation) string {
	if e.Action == nil {
		return "Please intervene."
	}
	noun, did := "returning it to the queue", "It was returned to the queue."
	if e.Action.Do == "disconnect" {
		noun, did = "disconnecting it", "It was disconnected."
	}
	why := because(first(e.Action.Reason))
	switch e.Action.Outcome {
	case "done":
		return did
	case "dry_run":
		return "Dry run: " + noun + " was due and not done. Please intervene."
	case "refused":
		return "Unpark refrained from " + noun + why + ". Please intervene."
	case "failed":
		return "Unpark failed at " + noun + why + ". Please intervene."
	}
	return "Unpark took no action" + why + ". Please intervene."
}

func cleared(e *schemas.Escalation) string {
	id, t := Name(e.Conversation), Tier(e)
	if e.Reason != nil && *e.Reason == "policy" {
		return fmt.Sprintf("Conversation %s is under another policy now. The %s is over.", id, t)
	}
	how := "was closed"
	if e.Objective == "reply" || e.Objective == "first_reply" {
		how = "was answered or closed"
	}
	return fmt.Sprintf("Conversation %s %s after %s. The %s is over.", id, how, span(e.Elapsed), t)
}

// Tier names the tier that fell due: warning at 3.5 hours.
func Tier(e *schemas.Escalation) string {
	return clean(e.Kind) + " at " + span(e.TierSeconds)
}

// advice says what a manager can do about it.
func advice(e *schemas.Escalation) string {
	if e.Status != schemas.StatusRaised {
		return ""
	}
	if e.Action != nil && e.Action.Outcome == "done" {
		if e.Action.Do == "disconnect" {
			return "See whether the customer still needs an answer."
		}
		return "See that somebody takes it up now."
	}
	agent, queue := agentName(e), queueName(e)
	switch {
	case agent != "" && e.Objective == "resolution", agent != "" && e.Objective == "open":
		return "Ask " + agent + " to finish it, or transfer it to somebody who can."
	case agent != "":
		return "Ask " + agent + " to answer now, or transfer it to somebody who can."
	case queue != "":
		return "Assign it to somebody in " + queue + "."
	}
	return "Open it in Genesys Cloud and assign it to somebody."
}
