package slack

import (
	"encoding/json"
	"strings"

	slackapi "github.com/slack-go/slack"

	"unpark/connectors/notify"
	"unpark/connectors/notify/text"
	"unpark/schemas"
)

// Limits of Block Kit (docs.slack.dev/reference/block-kit). A text is far below
// the others, the whole message below the 13,000 characters of blocks from which on
// Slack answers msg_blocks_too_long.
const (
	maxFallback = 3000
	maxContext  = 10   // elements
	maxURL      = 3000 // of a button
)

// Names of the buttons, as interactions bring them back.
const (
	actionAcknowledge = "unpark_acknowledge"
	actionSnooze      = "unpark_snooze_1h"
	actionOpen        = "unpark_open"
)

// blocks lays a text out: headline, facts and advice as rich text, notes small
// below, and last what follows.
func blocks(t text.Text, last ...slackapi.Block) []slackapi.Block {
	bold := &slackapi.RichTextSectionTextStyle{Bold: true}
	all := []slackapi.Block{rich(slackapi.NewRichTextSectionTextElement(t.Headline, bold))}
	if lines := factLines(t); len(lines) > 0 {
		all = append(all, rich(lines...))
	}
	if t.Advice != "" {
		all = append(all, rich(
			slackapi.NewRichTextSectionTextElement("What to do: ", bold), slackapi.NewRichTextSectionTextElement(t.Advice, nil)))
	}
	if len(t.Notes) > 0 {
		var notes []slackapi.MixedElement
		for _, n := range t.Notes[:min(len(t.Notes), maxContext)] {
			notes = append(notes, plain(n))
		}
		all = append(all, slackapi.NewContextBlock("", notes...))
	}
	return append(all, last...)
}

func factLines(t text.Text) []slackapi.RichTextSectionElement {
	var line []slackapi.RichTextSectionElement
	for i, f := range t.Facts {
		if i > 0 {
			line = append(line, slackapi.NewRichTextSectionTextElement("\n", nil))
		}
		if f.Name != "" {
			line = append(line, slackapi.NewRichTextSectionTextElement(f.Name+": ", &slackapi.RichTextSectionTextStyle{Bold: true}))
		}
		line = append(line, slackapi.NewRichTextSectionTextElement(f.Value, nil))
	}
	return line
}

func rich(elements ...slackapi.RichTextSectionElement) slackapi.Block {
	return slackapi.NewRichTextBlock("", slackapi.NewRichTextSection(elements...))
}

func plain(s string) *slackapi.TextBlockObject {
	return slackapi.NewTextBlockObject(slackapi.PlainTextType, s, false, false)
}

// linked is the link of a message that cannot have buttons.
func linked(t text.Text) []slackapi.Block {
	if t.Link == "" {
		return nil
	}
	return []slackapi.Block{rich(slackapi.NewRichTextSectionLinkElement(t.Link, "Open in Genesys", nil))}
}

// alert names an alert in the value of a button.
type alert struct {
	Escalation   string `json:"escalation"`
	Conversation string `json:"conversation"`
}

// buttons are what a manager can do about the message; none when it is over.
func buttons(m notify.Message, t text.Text, answered bool) []slackapi.Block {
	var row []slackapi.BlockElement
	if e := m.Escalation; answered && e != nil && e.Status == schemas.StatusRaised {
		value, err := json.Marshal(alert{e.ID, e.Conversation})
		if err == nil && m.Acknowledged == nil {
			row = append(row, slackapi.NewButtonBlockElement(actionAcknowledge, string(value), plain("Acknowledge")).WithStyle(slackapi.StylePrimary))
			row = append(row, slackapi.NewButtonBlockElement(actionSnooze, string(value), plain("Snooze 1 h")))
		}
	}
	if t.Link != "" && len(t.Link) <= maxURL {
		row = append(row, slackapi.NewButtonBlockElement(actionOpen, "", plain("Open in Genesys")).WithURL(t.Link))
	}
	if len(row) == 0 {
		return nil
	}
	return []slackapi.Block{slackapi.NewActionBlock("", row...)}
}

// fallback is the text of the notification, and of clients that show no blocks.
func fallback(t text.Text) string {
	s := t.Headline
	if details := t.Details(); details != "" {
		s += "\n" + details
	}
	return escape(text.Cut(s, maxFallback))
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape keeps text from being read as mentions or links: <!channel> in the name
// of a queue would wake everybody.
func escape(s string) string { return escaper.Replace(s) }
