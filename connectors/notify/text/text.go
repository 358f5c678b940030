package text

import (
	"slices"
	"strings"
	"time"

	"unpark/schemas"
)

// What a text may hold, in characters. A destination that takes less cuts more.
const (
	maxHeadline = 500
	maxAdvice   = 500
	maxFacts    = 12
	maxFact     = 300
	maxLabel    = 40
	maxName     = 100 // of an agent, a queue, an org
)

// Subject is what a text is about.
type Subject struct {
	Escalation *schemas.Escalation
	// Org is what people call the org; empty: nothing is said.
	Org string
	// Zone is the org's, in which all times are told; nil means UTC.
	Zone *time.Location
	// Link is the page of the conversation; empty: there is none.
	Link string
}

// Text is an escalation in words.
type Text struct {
	// Headline says what happened, in a sentence or two for a lock screen.
	Headline string
	// Facts are for whoever wants to know more.
	Facts []Fact
	// Advice says what to do; empty when there is nothing left to do.
	Advice string
	// Notes say what people did about it: who has acknowledged it, until when.
	Notes []string
	// Link is the conversation's page in Genesys Cloud; empty: not known.
	Link string
	// Tone is how urgent it is.
	Tone Tone
}

// Tone is how urgent a text is: a color, where there are colors.
type Tone int

// The tones.
const (
	Calm    Tone = iota // there is nothing to do
	Good                // it is over
	Warning             // a promise is about to be broken
	Alarm               // a promise is broken
)

// Fact is one line of a text. Name is empty for a line that is only a sentence.
type Fact struct{ Name, Value string }

func (f Fact) String() string {
	if f.Name == "" {
		return f.Value
	}
	return f.Name + ": " + f.Value
}

// Details returns the facts in one line.
func (t Text) Details() string {
	lines := make([]string, len(t.Facts))
	for i, f := range t.Facts {
		lines[i] = f.String()
	}
	return strings.Join(lines, " · ")
}

// String returns the text as a terminal or a log shows it.
func (t Text) String() string {
	lines := append([]string{t.Headline, t.Details(), t.Advice, t.Link}, t.Notes...)
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return line == "" }), "\n")
}

// facts reads lines of the form "Name: value". Lines without a value are left
// out: a template need not ask whether there is something to say.
func facts(lines string) []Fact {
	var fs []Fact
	for line := range strings.Lines(lines) {
		name, value, named := strings.Cut(strings.TrimSpace(line), ": ")
		if !named || strings.Contains(name, ".") || len([]rune(name)) > maxLabel {
			name, value = "", strings.TrimSpace(line)
		}
		value = strings.TrimSpace(value)
		if value == "" || strings.HasSuffix(value, ":") || len(fs) == maxFacts {
			continue
		}
		fs = append(fs, Fact{Name: name, Value: Cut(value, maxFact)})
	}
	return fs
}

// Cut shortens s to at most n characters; an ellipsis shows that it did.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	return strings.TrimRight(string(runes[:n-1]), " ") + "…"
}
