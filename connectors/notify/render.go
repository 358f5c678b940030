package notify

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"unpark/schemas"
)

// Text is an escalation in words: short enough for the lock screen of a phone.
type Text struct {
	// Headline says what happened and what to do.
	Headline string
	// Details is one line of facts for whoever wants to know more.
	Details string
}

func (t Text) String() string { return t.Headline + "\n" + t.Details }

// Render puts a message in words. The only persons it names are the agent and
// whoever acknowledged or snoozed.
func Render(m Message) Text {
	if m.Kind == Digest {
		return digest(m)
	}
	t := followUp(m)
	if m.Test {
		t.Headline = "TEST, nothing has happened: " + t.Headline
	}
	return t
}

func headline(e *schemas.Escalation) string {
	switch e.Status {
	case "cleared":
		return "Cleared: " + cleared(e)
	case "retracted":
		return fmt.Sprintf("Retracted: Conversation %s was not due. The %s no longer stands.", clean(e.Conversation), tier(e))
	}
	subject := fmt.Sprintf("SLA %s: Conversation %s ", strings.ToUpper(clean(e.Kind)), clean(e.Conversation))
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
	if e.Agent != nil {
		if name := first(e.Agent.Name, e.Agent.ID); name != "" {
			return "It is currently locked by agent " + name + "."
		}
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

func queueName(e *schemas.Escalation) string {
	if e.Queue == nil {
		return ""
	}
	return first(e.Queue.Name, e.Queue.ID)
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
	why := ""
	if e.Action.Reason != nil {
		why = " (" + clean(*e.Action.Reason) + ")"
	}
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
	id, t := clean(e.Conversation), tier(e)
	if e.Reason != nil && *e.Reason == "policy" {
		return fmt.Sprintf("Conversation %s is under another policy now. The %s is over.", id, t)
	}
	how := "was closed"
	if e.Objective == "reply" || e.Objective == "first_reply" {
		how = "was answered or closed"
	}
	return fmt.Sprintf("Conversation %s %s after %s. The %s is over.", id, how, span(e.Elapsed), t)
}

func tier(e *schemas.Escalation) string {
	return clean(e.Kind) + " at " + span(e.TierSeconds)
}

func details(m Message) string {
	e := m.Escalation
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if m.OrgName != "" {
		add("%s", clean(m.OrgName))
	}
	add("%s, policy %s", strings.ReplaceAll(clean(e.Objective), "_", " "), clean(e.Policy))
	if queue := queueName(e); queue != "" {
		add("queue %s", queue)
	}
	add("since %s, due %s", local(e.Start, m.Zone), local(e.Due, m.Zone))
	if e.Verified && e.ObservedAt != nil {
		add("verified %s", local(*e.ObservedAt, m.Zone))
	} else if !e.Verified {
		add("not verified")
	}
	if e.Action != nil {
		add("%s: %s", clean(e.Action.Do), strings.ReplaceAll(clean(e.Action.Outcome), "_", " "))
	}
	return strings.Join(parts, " · ")
}

func local(i schemas.Instant, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return i.Time().In(zone).Format("Mon 2 Jan 15:04 MST")
}

// span says a number of seconds in the largest unit that fits: 3.5 hours,
// 45 minutes.
func span(seconds int64) string {
	value, unit := float64(seconds), "second"
	switch {
	case seconds >= 3600:
		value, unit = value/3600, "hour"
	case seconds >= 60:
		value, unit = value/60, "minute"
	}
	value = math.Round(value*100) / 100
	if value != 1 {
		unit += "s"
	}
	return strconv.FormatFloat(value, 'f', -1, 64) + " " + unit
}

// first returns the first text that says something.
func first(texts ...*string) string {
	for _, t := range texts {
		if t != nil && clean(*t) != "" {
			return clean(*t)
		}
	}
	return ""
}

// clean keeps names from breaking the line or steering a terminal: whoever may
// name a queue writes into these texts.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}
