package text

import (
	"cmp"
	"fmt"
	"slices"
	"text/template"

	"unpark/schemas"
)

// Rules are the texts that an org writes itself. The first that matches an
// escalation counts; what it leaves out is the default.
type Rules []Rule

// Rule is templates for some escalations (text/template over Fields).
type Rule struct {
	Match Match `json:"match" yaml:"match"`
	// Headline is a sentence or two.
	Headline string `json:"headline,omitempty" yaml:"headline"`
	// Details is lines of the form "Name: value"; one without a value is left out.
	Details string `json:"details,omitempty" yaml:"details"`
	// Advice says what to do.
	Advice string `json:"advice,omitempty" yaml:"advice"`
}

// Match says for which escalations a rule is: every key that is set must hold,
// and a list holds if any of its values does.
type Match struct {
	Policy    []string           `json:"policy,omitempty" yaml:"policy"`
	Objective []string           `json:"objective,omitempty" yaml:"objective"`
	Kind      []string           `json:"kind,omitempty" yaml:"kind"`
	At        []schemas.Duration `json:"at,omitempty" yaml:"at"`
	// Status is raised unless it is written.
	Status []string `json:"status,omitempty" yaml:"status"`
}

func (m Match) fits(e *schemas.Escalation) bool {
	holds := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	at := func(d schemas.Duration) bool { return d.Milliseconds()/1000 == e.TierSeconds }
	return holds(m.Policy, e.Policy) && holds(m.Objective, e.Objective) && holds(m.Kind, e.Kind) &&
		(len(m.At) == 0 || slices.ContainsFunc(m.At, at)) && slices.Contains(m.statuses(), e.Status)
}

func (m Match) statuses() []string {
	if len(m.Status) == 0 {
		return []string{schemas.StatusRaised}
	}
	return m.Status
}

// Set is rules ready for use; safe for concurrent use. Nil is the defaults.
type Set struct{ rules []compiled }

type compiled struct {
	match                     Match
	headline, details, advice *template.Template
}

// Compile returns the rules ready for use. Its error is the first of Validate.
func Compile(rules Rules) (*Set, error) {
	s := new(Set)
	for i, r := range rules {
		c, err := r.compile()
		if err != nil {
			return nil, fmt.Errorf("texts[%d].%w", i, err)
		}
		s.rules = append(s.rules, c)
	}
	return s, nil
}

func (r Rule) compile() (compiled, error) {
	c := compiled{match: r.Match}
	for _, part := range r.parts() {
		if part.source == "" {
			continue
		}
		t, err := compile(part.source)
		if err != nil {
			return c, fmt.Errorf("%s: %w", part.field, err)
		}
		*part.target(&c) = t
	}
	return c, nil
}

type part struct {
	field, source string
	target        func(*compiled) **template.Template
}

func (r Rule) parts() []part {
	return []part{
		{"headline", r.Headline, func(c *compiled) **template.Template { return &c.headline }},
		{"details", r.Details, func(c *compiled) **template.Template { return &c.details }},
		{"advice", r.Advice, func(c *compiled) **template.Template { return &c.advice }},
	}
}

// Render puts an escalation in words. A template that fails, which Validate
// would have said, is replaced by the default, and so is a headline that says nothing:
// an alert in other words is better than none.
func (s *Set) Render(subject Subject) Text {
	f := newFields(subject)
	c := s.find(subject.Escalation)
	lines, ok := say(c.details, f)
	if !ok {
		lines = f.details()
	}
	return Text{
		Headline: Cut(cmp.Or(line(c.headline, f, f.Headline), clean(f.Headline)), maxHeadline),
		Facts:    facts(lines),
		Advice:   Cut(line(c.advice, f, f.Advice), maxAdvice),
		Link:     subject.Link,
		Tone:     tone(subject.Escalation),
	}
}

func tone(e *schemas.Escalation) Tone {
	switch {
	case e.Status == schemas.StatusCleared:
		return Good
	case e.Status != schemas.StatusRaised:
		return Calm
	case e.Kind == "warning":
		return Warning
	}
	return Alarm
}

func (s *Set) find(e *schemas.Escalation) compiled {
	if s != nil {
		for _, c := range s.rules {
			if c.match.fits(e) {
				return c
			}
		}
	}
	return compiled{}
}

// line is what a template says, or the default if there is none or it fails, in one line.
func line(t *template.Template, f *Fields, fallback string) string {
	if s, ok := say(t, f); ok {
		return clean(s)
	}
	return clean(fallback)
}

// say returns what a template says; false if there is none, or it fails.
func say(t *template.Template, f *Fields) (string, bool) {
	if t == nil {
		return "", false
	}
	s, err := execute(t, f)
	return s, err == nil
}
