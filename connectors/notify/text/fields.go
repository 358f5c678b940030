package text

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"unpark/schemas"
)

// Fields is what a template can say. Strings are empty where there is nothing to
// say; instants are local to the org, as in "Mon 2 Mar 10:15 CET".
type Fields struct {
	Headline string // the default headline
	Advice   string // the default advice
	Holder   string // a sentence on who holds the conversation

	Status       string // raised, cleared, retracted
	Kind         string // warning, breach, action
	Objective    string // reply, first reply, resolution, open
	Tier         string // the counted time after which it falls due: 3.5 hours
	Waited       string // the time that counted until now
	Start        string // where the clock began
	Due          string
	At           string // when it was decided
	Conversation string
	Org          string // what people call it
	Policy       string
	Verified     bool   // a fresh look at Genesys stands behind it
	ObservedAt   string // the newest look at Genesys
	Queue        string // its name, or its id
	Agent        string // the agent's name, or id; empty: nobody holds it
	AgentState   string // Genesys's participant state: connected, alerting, parked
	AgentSince   string
	Media        string // message, email
	MessageType  string // whatsapp, sms
	Action       string // requeue, disconnect
	Outcome      string // of the action: done, dry run, refused, failed, not taken
	Reason       string // why it was cleared, or the action had its outcome
	Link         string // the conversation's page in Genesys Cloud
}

func newFields(s Subject) *Fields {
	e := s.Escalation
	local := func(i schemas.Instant) string { return Local(i, s.Zone) }
	f := &Fields{
		Status: clean(e.Status), Kind: clean(e.Kind), Objective: words(e.Objective), Tier: span(e.TierSeconds), Waited: span(e.Elapsed),
		Start: local(e.Start), Due: local(e.Due), At: local(e.At), Conversation: Name(e.Conversation), Org: Name(s.Org),
		Policy: Name(e.Policy), Verified: e.Verified, Queue: queueName(e), Agent: agentName(e), Media: first(e.Media),
		MessageType: first(e.MessageType), Reason: words(first(e.Reason)), Link: s.Link,
	}
	if e.ObservedAt != nil {
		f.ObservedAt = local(*e.ObservedAt)
	}
	if a := e.Agent; a != nil && f.Agent != "" {
		f.AgentState = words(first(a.State))
		if a.Since != nil {
			f.AgentSince = local(*a.Since)
		}
	}
	if a := e.Action; a != nil {
		f.Action, f.Outcome = clean(a.Do), words(a.Outcome)
		if reason := first(a.Reason); reason != "" {
			f.Reason = words(reason)
		}
	}
	f.Headline, f.Advice, f.Holder = headline(e), advice(e), holder(e)
	return f
}

func queueName(e *schemas.Escalation) string {
	if e.Queue == nil {
		return ""
	}
	return first(e.Queue.Name, e.Queue.ID)
}

func agentName(e *schemas.Escalation) string {
	if e.Agent == nil {
		return ""
	}
	return first(e.Agent.Name, e.Agent.ID)
}

// Local says an instant as the org's people say it; a nil zone means UTC.
func Local(i schemas.Instant, zone *time.Location) string {
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

// words turns an identifier into words: first_reply.
func words(s string) string { return strings.ReplaceAll(Name(s), "_", " ") }

// first returns the first text that says something.
func first(texts ...*string) string {
	for _, t := range texts {
		if t != nil && clean(*t) != "" {
			return Name(*t)
		}
	}
	return ""
}

// Name makes a name fit to stand in a text: one line without control characters,
// and not too long.
func Name(s string) string { return Cut(clean(s), maxName) }

// clean keeps names from breaking the line, steering a terminal or turning the
// direction of what stands around them: whoever may name a queue writes into
// these texts.
func clean(s string) string {
	if plain(s) {
		return strings.TrimSpace(s)
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\ufeff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return strings.TrimSpace(s)
}

// plain says whether a text is ASCII without control characters.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
