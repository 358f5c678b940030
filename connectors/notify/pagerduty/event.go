package pagerduty

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"

	"github.com/PagerDuty/go-pagerduty"

	"unpark/connectors/notify"
	"unpark/connectors/notify/text"
)

// Limits of an event (developer.pagerduty.com/docs/events-api-v2-overview).
const (
	maxSummary  = 1024
	maxDedupKey = 255
)

// event returns what a message means to PagerDuty, all but the routing key.
func event(m notify.Message) pagerduty.V2Event {
	e := pagerduty.V2Event{Action: action(m), DedupKey: dedupKey(m)}
	if e.Action != "trigger" {
		return e
	}
	t, s := notify.Render(m), m.Escalation
	e.Payload = &pagerduty.V2Payload{
		Summary: text.Cut(t.Headline, maxSummary), Source: text.Name(cmp.Or(m.OrgName, s.Org)), Severity: severity(m, t),
		Timestamp: s.At.String(), Class: s.Kind + " of " + s.Objective, Details: details(t),
	}
	if s.Queue != nil && s.Queue.Name != nil {
		e.Payload.Group = text.Name(*s.Queue.Name)
	}
	e.Client = "unpark"
	if t.Link != "" {
		e.Links = []any{map[string]string{"href": t.Link, "text": "Open in Genesys"}}
	}
	return e
}

func action(m notify.Message) string {
	switch m.Kind {
	case notify.Clear, notify.Retract:
		return "resolve"
	case notify.Acknowledge, notify.Snooze:
		return "acknowledge"
	}
	return "trigger"
}

// dedupKey is the alert's key, or its hash if that is too long for PagerDuty.
func dedupKey(m notify.Message) string {
	key := cmp.Or(string(m.Reference), m.AlertKey)
	if len(key) <= maxDedupKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// severity is PagerDuty's word for how urgent it is: error and critical page by
// default, warning only where the service says so.
func severity(m notify.Message, t text.Text) string {
	switch {
	case m.Test:
		return "info"
	case t.Tone == text.Warning:
		return "warning"
	case m.Escalation.Kind == "action":
		return "critical"
	}
	return "error"
}

// details are the text's facts as a table.
func details(t text.Text) map[string]string {
	table := map[string]string{}
	for _, f := range t.Facts {
		name := cmp.Or(f.Name, "Note")
		if before := table[name]; before != "" {
			f.Value = before + "; " + f.Value
		}
		table[name] = f.Value
	}
	if t.Advice != "" {
		table["What to do"] = t.Advice
	}
	return table
}
