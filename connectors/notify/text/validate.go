package text

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"unpark/schemas"
)

// Problem is one thing wrong with Rules.
type Problem struct {
	// Field is its path below texts, such as [0].headline.
	Field string
	// Message says what is wrong and what to write instead.
	Message string
}

// Validate returns everything wrong with the rules: templates that do not parse,
// fields and functions there are not, texts too long for what shows them.
func (rs Rules) Validate() []Problem {
	var ps []Problem
	for i, r := range rs {
		path := fmt.Sprintf("[%d]", i)
		ps = append(ps, r.Match.validate(path+".match")...)
		if r.Headline+r.Details+r.Advice == "" {
			ps = append(ps, Problem{path, "says nothing; write headline, details or advice"})
		}
		for _, p := range r.parts() {
			if p.source == "" {
				continue
			}
			if err := check(p.field, p.source); err != nil {
				ps = append(ps, Problem{path + "." + p.field, err.Error()})
			}
		}
	}
	return ps
}

// check tries a template on every sample: what one org sees once a year must not
// fail then.
func check(field, source string) error {
	t, err := compile(source)
	if err != nil {
		return err
	}
	for _, s := range Samples() {
		out, err := execute(t, newFields(s.Subject))
		if err != nil {
			return err
		}
		if err := fits(field, out); err != nil {
			return fmt.Errorf("%w (%s)", err, s.Name)
		}
	}
	return nil
}

// fits leaves names half of the room: the samples' are short.
func fits(field, out string) error {
	if field != "details" {
		if n, limit := utf8.RuneCountInString(out), maxHeadline/2; n > limit {
			return fmt.Errorf("%d characters long; a phone's lock screen shows fewer than %d", n, limit)
		}
		return nil
	}
	lines := facts(out + "\n")
	if len(lines) == maxFacts {
		return fmt.Errorf("%d lines or more; write fewer than %d", maxFacts, maxFacts)
	}
	for _, f := range lines {
		if n := utf8.RuneCountInString(f.Value); n > maxFact/2 {
			return fmt.Errorf("a line of %d characters; write at most %d", n, maxFact/2)
		}
	}
	return nil
}

func (m Match) validate(path string) []Problem {
	var ps []Problem
	check := func(key string, values []string, known ...string) {
		for _, v := range values {
			if !slices.Contains(known, v) {
				ps = append(ps, Problem{path + "." + key, fmt.Sprintf("unknown %s %q; there are %v", key, v, known)})
			}
		}
	}
	check("objective", m.Objective, "reply", "first_reply", "resolution", "open")
	check("kind", m.Kind, "warning", "breach", "action")
	check("status", m.Status, schemas.StatusRaised, schemas.StatusCleared, schemas.StatusRetracted)
	return ps
}
