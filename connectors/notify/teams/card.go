package teams

import (
	"encoding/json"
	"strings"

	"unpark/connectors/notify/text"
)

// maxMessage is what Teams takes of a workflow's message: about 28 KB
// (learn.microsoft.com/connectors/teams), counted as it is sent, some room left.
const maxMessage = 27 << 10

// message is what the workflow posts: one card.
type message struct {
	Type        string       `json:"type"`
	Attachments []attachment `json:"attachments"`
}

type attachment struct {
	ContentType string  `json:"contentType"`
	ContentURL  *string `json:"contentUrl"`
	Content     card    `json:"content"`
}

// card is an Adaptive Card (adaptivecards.io/schemas/1.4). Nothing in it is newer
// than 1.2, the newest that Teams shows on phones.
type card struct {
	Type    string    `json:"type"`
	Schema  string    `json:"$schema"`
	Version string    `json:"version"`
	Speak   string    `json:"fallbackText"`
	MSTeams teams     `json:"msteams"`
	Body    []element `json:"body"`
	Actions []action  `json:"actions,omitempty"`
}

type teams struct {
	Width string `json:"width"`
}

type element struct {
	Type    string    `json:"type"` // Container, RichTextBlock
	Style   string    `json:"style,omitempty"`
	Bleed   bool      `json:"bleed,omitempty"`
	Spacing string    `json:"spacing,omitempty"`
	Items   []element `json:"items,omitempty"`
	Inlines []run     `json:"inlines,omitempty"`
}

type run struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
	Subtle bool   `json:"isSubtle,omitempty"`
}

type action struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// encode returns the message for a text; facts that do not fit are left out.
func encode(t text.Text) ([]byte, error) {
	for {
		body, err := json.Marshal(message{Type: "message", Attachments: []attachment{
			{ContentType: "application/vnd.microsoft.card.adaptive", Content: layout(t)},
		}})
		if err != nil || len(body) <= maxMessage || len(t.Facts) == 0 {
			return body, err
		}
		t.Facts = t.Facts[:len(t.Facts)/2]
	}
}

func layout(t text.Text) card {
	c := card{
		Type: "AdaptiveCard", Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Version: "1.4",
		Speak: literal(t.Headline), MSTeams: teams{Width: "Full"},
		Body: []element{{Type: "Container", Style: style(t.Tone), Bleed: true, Items: []element{
			line("", run{Text: t.Headline, Weight: "bolder"}),
		}}},
	}
	for i, f := range t.Facts {
		spacing := "none"
		if i == 0 {
			spacing = "default"
		}
		c.Body = append(c.Body, fact(spacing, f.Name, f.Value))
	}
	if t.Advice != "" {
		c.Body = append(c.Body, fact("medium", "What to do", t.Advice))
	}
	for _, n := range t.Notes {
		c.Body = append(c.Body, line("small", run{Text: n, Size: "small", Subtle: true}))
	}
	if t.Link != "" {
		c.Actions = []action{{Type: "Action.OpenUrl", Title: "Open in Genesys", URL: t.Link}}
	}
	return c
}

func fact(spacing, name, value string) element {
	if name == "" {
		return line(spacing, run{Text: value})
	}
	return line(spacing, run{Text: name + ": ", Weight: "bolder"}, run{Text: value})
}

func line(spacing string, runs ...run) element {
	for i := range runs {
		runs[i].Type, runs[i].Text = "TextRun", literal(runs[i].Text)
	}
	return element{Type: "RichTextBlock", Spacing: spacing, Inlines: runs}
}

// literal keeps the card's own functions, {{DATE(...)}} and {{TIME(...)}}, out of
// names: clients replace them in every text. The space between has no width; of three
// braces in a row each of the first two needs one.
func literal(s string) string {
	for strings.Contains(s, "{{") {
		s = strings.ReplaceAll(s, "{{", "{\u200b{")
	}
	return s
}

func style(t text.Tone) string {
	switch t {
	case text.Good:
		return "good"
	case text.Warning:
		return "warning"
	case text.Alarm:
		return "attention"
	}
	return "emphasis"
}
