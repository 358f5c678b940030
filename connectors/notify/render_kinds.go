package notify

import (
	"fmt"
	"strings"
)

// followUp puts what became of an alert in words.
func followUp(m Message) Text {
	e := m.Escalation
	about := fmt.Sprintf("The %s of conversation %s", tier(e), clean(e.Conversation))
	t := Text{Details: details(m)}
	switch {
	case m.Kind == Acknowledge && m.Acknowledged != nil:
		t.Headline = fmt.Sprintf("Acknowledged: %s was taken on by %s.", about, clean(m.Acknowledged.By))
	case m.Kind == Snooze && m.Snoozed != nil:
		t.Headline = fmt.Sprintf("Snoozed: %s is silent until %s, says %s.", about, local(m.Snoozed.Until, m.Zone), clean(m.Snoozed.By))
	case m.Kind == Remind:
		t.Headline = fmt.Sprintf("Reminder %d: %s", m.Reminder, headline(e))
	default:
		t.Headline = headline(e)
	}
	return t
}

// digest puts many alerts in words, a line for each queue and agent.
func digest(m Message) Text {
	s := m.Digest
	var lines []string
	for _, g := range s.Groups {
		who := strings.TrimSpace(named("queue ", g.Queue) + " " + named("agent ", g.Agent))
		if who == "" {
			who = "neither queue nor agent"
		}
		lines = append(lines, fmt.Sprintf("%s: %d of %d open", who, g.Raised-g.Cleared, g.Raised))
	}
	what := fmt.Sprintf("SLA DIGEST: %d alerts, %d of them open.", s.Raised, s.Raised-s.Cleared)
	if s.Late {
		what = fmt.Sprintf("SLA DIGEST: %d alerts fell due while nobody could be told, %d of them are open.", s.Raised, s.Raised-s.Cleared)
	}
	return Text{Headline: what + " Please intervene.", Details: strings.Join(lines, " · ")}
}

func named(what, name string) string {
	if name = clean(name); name == "" {
		return ""
	}
	return what + name
}
