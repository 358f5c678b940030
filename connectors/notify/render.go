package notify

import (
	"fmt"
	"strings"

	"unpark/connectors/notify/text"
)

// Render puts a message in words as it stands alone, for a destination that shows
// one message after the other. The only persons it names are the agent and whoever
// acknowledged or snoozed.
func Render(m Message) text.Text {
	if m.Kind == Digest {
		return marked(digest(m), m)
	}
	t := standing(m)
	about := fmt.Sprintf("The %s of conversation %s", text.Tier(m.Escalation), text.Name(m.Escalation.Conversation))
	switch {
	case m.Kind == Acknowledge && m.Acknowledged != nil:
		t.Headline = fmt.Sprintf("Acknowledged: %s was taken on by %s.", about, text.Name(m.Acknowledged.By))
		t.Tone, t.Advice = text.Calm, ""
	case m.Kind == Snooze && m.Snoozed != nil:
		t.Headline = fmt.Sprintf("Snoozed: %s is silent until %s, says %s.", about, text.Local(m.Snoozed.Until, m.Zone), text.Name(m.Snoozed.By))
		t.Tone, t.Advice = text.Calm, ""
	case m.Kind == Remind:
		t.Headline = fmt.Sprintf("Reminder %d: %s", m.Reminder, t.Headline)
	}
	return marked(t, m)
}

// Standing puts the alert of a message in words as it stands now, for a
// destination that keeps one message for it and changes that: the headline stays
// the alert's, and the notes say what became of it.
func Standing(m Message) text.Text {
	if m.Kind == Digest {
		return Render(m)
	}
	t := standing(m)
	if m.Acknowledged != nil {
		t.Notes = append(t.Notes, fmt.Sprintf("Acknowledged by %s, %s.", text.Name(m.Acknowledged.By), text.Local(m.Acknowledged.At, m.Zone)))
	}
	if m.Snoozed != nil {
		t.Notes = append(t.Notes, fmt.Sprintf("Snoozed by %s until %s.", text.Name(m.Snoozed.By), text.Local(m.Snoozed.Until, m.Zone)))
	}
	return marked(t, m)
}

func standing(m Message) text.Text {
	return m.Texts.Render(text.Subject{Escalation: m.Escalation, Org: m.OrgName, Zone: m.Zone, Link: m.Link})
}

// marked says so if the message is only a try.
func marked(t text.Text, m Message) text.Text {
	if m.Test {
		t.Headline = "TEST, nothing has happened: " + t.Headline
	}
	return t
}

// maxGroups is how many lines of a digest are shown.
const maxGroups = 20

// digest puts many alerts in words, a line for each queue and agent.
func digest(m Message) text.Text {
	s := m.Digest
	t := text.Text{Tone: text.Alarm, Advice: "Begin with the first line: it has the most open conversations."}
	for i, g := range s.Groups {
		if i == maxGroups {
			t.Facts = append(t.Facts, text.Fact{Value: fmt.Sprintf("and %d more queues and agents", len(s.Groups)-i)})
			break
		}
		t.Facts = append(t.Facts, text.Fact{Name: groupName(g), Value: fmt.Sprintf("%d of %d open", g.Raised-g.Cleared, g.Raised)})
	}
	open := s.Raised - s.Cleared
	t.Headline = fmt.Sprintf("SLA DIGEST: %d alerts, %d of them open.", s.Raised, open)
	if s.Late {
		t.Headline = fmt.Sprintf("SLA DIGEST: %d alerts fell due while nobody could be told, %d of them are open.", s.Raised, open)
	}
	if open == 0 {
		t.Tone, t.Advice = text.Good, ""
		return t
	}
	t.Headline += " Please intervene."
	return t
}

func groupName(g Group) string {
	var parts []string
	if queue := text.Name(g.Queue); queue != "" {
		parts = append(parts, "queue "+queue)
	}
	if agent := text.Name(g.Agent); agent != "" {
		parts = append(parts, "agent "+agent)
	}
	if len(parts) == 0 {
		return "neither queue nor agent"
	}
	return strings.Join(parts, ", ")
}
