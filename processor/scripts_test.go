package processor_test

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/txtar"

	"unpark/processor/calendar"
	"unpark/processor/sla"
	"unpark/schemas"
)

// The scripts in testdata tell a situation as a supervisor would: what happens
// when, and what is told. A line is
//
//	TIME TOPIC key=value...     an event, with its event time
//	TIME observed key=value...  what a look at the API saw at that time
//	queued TIME TOPIC ...       an event that is read without time having moved: a backlog
//	until TIME                  nothing happens until then
//	tick TIME                   it is that time now, whatever fell due before
//	apply NAME                  the section NAME is the org's file from here on
//	sync NAME                   the section NAME, which begins with schedules, is the content of
//	                            the org's schedule groups from here on
//	checks on, checks off       the file in force with this for its checks
//	TIME answer key=value...    as observed, and the answer to the newest request about
//	                            the conversation, or to the n-th of all (to=n)
//	TIME failed reason=WORD     no look was possible: an answer too
//	TIME done outcome=WORD      what became of an action: an answer too
//
// in the order of arrival. TIME is UTC, on 2026-03-02 (a Monday) if it has no
// date. Without rules.yaml the org has the default policy. What is asked of Genesys
// is shown between what is told.

const scriptOrg = "acme"

const defaultRules = "id: " + scriptOrg + "\n"

// script is a parsed file of testdata.
type script struct {
	rules   sla.Rules
	drafts  map[string]sla.Rules // by section
	synced  map[string]calendar.Groups
	moments []moment
	want    string
}

// moment is one line of a script: an input with its own time, a time to wait for,
// or rules to apply.
type moment struct {
	input  *schemas.InputRecord
	at     int64
	until  bool
	tick   bool
	queued bool
	apply  string
	sync   string
	answer string // which request is answered; empty: none
}

func parseScript(t *testing.T, data []byte) script {
	t.Helper()
	s := script{}
	rules := defaultRules
	for _, f := range txtar.Parse(data).Files {
		switch f.Name {
		case "rules.yaml":
			rules = string(f.Data)
		case "script":
			for line := range strings.SplitSeq(string(f.Data), "\n") {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
					s.moments = append(s.moments, parseMoment(t, strings.Fields(line)))
				}
			}
		case "outputs":
			s.want = string(f.Data)
		default:
			if strings.HasPrefix(f.Name, "schedules") {
				s.parseGroups(t, f)
				continue
			}
			var rules sla.Rules
			if err := yaml.UnmarshalWithOptions(f.Data, &rules, yaml.Strict()); err != nil {
				t.Fatalf("section %s: %v", f.Name, err)
			}
			if s.drafts == nil {
				s.drafts = map[string]sla.Rules{}
			}
			s.drafts[f.Name] = rules
		}
	}
	if err := s.parseRules(rules); err != nil {
		t.Fatalf("rules.yaml: %v", err)
	}
	s.switchChecks()
	return s
}

// switchChecks makes drafts of what `checks on` and `checks off` put in force; at
// the beginning of a script they are a part of its rules.
func (s *script) switchChecks() {
	for len(s.moments) > 0 && s.moments[0].apply == checksOn {
		s.rules.Checks, s.moments = true, s.moments[1:]
	}
	current := s.rules
	for _, m := range s.moments {
		switch m.apply {
		case "":
		case checksOn, checksOff:
			current.Checks = m.apply == checksOn
			if s.drafts == nil {
				s.drafts = map[string]sla.Rules{}
			}
			s.drafts[m.apply] = current
		default:
			current = s.drafts[m.apply]
		}
	}
}

const checksOn, checksOff = "checks on", "checks off"

func (s *script) parseRules(text string) error {
	return yaml.UnmarshalWithOptions([]byte(text), &s.rules, yaml.Strict())
}

func (s *script) parseGroups(t *testing.T, f txtar.File) {
	t.Helper()
	var groups calendar.Groups
	if err := yaml.UnmarshalWithOptions(f.Data, &groups, yaml.Strict()); err != nil {
		t.Fatalf("section %s: %v", f.Name, err)
	}
	if s.synced == nil {
		s.synced = map[string]calendar.Groups{}
	}
	s.synced[f.Name] = groups
}

func parseMoment(t *testing.T, words []string) moment {
	t.Helper()
	switch words[0] {
	case "until":
		return moment{at: parseTime(t, words[1]), until: true}
	case "tick":
		return moment{at: parseTime(t, words[1]), tick: true}
	case "apply":
		return moment{apply: words[1]}
	case "sync":
		return moment{sync: words[1]}
	case "checks":
		return moment{apply: "checks " + words[1]}
	case "queued":
		m := parseMoment(t, words[1:])
		m.queued = true
		return m
	}
	at := parseTime(t, words[0])
	args := map[string]string{"conversation": "c-1"}
	for _, w := range words[2:] {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			t.Fatalf("%q is not key=value", w)
		}
		args[key] = value
	}
	if in := parseAnswer(t, at, words[1], args); in != nil {
		m := moment{at: at, input: in}
		if words[1] != "observed" {
			m.answer = cmp.Or(args["to"], "newest")
		}
		return m
	}
	topic, ok := schemas.EventTopic_value["EVENT_TOPIC_"+strings.ToUpper(strings.ReplaceAll(words[1], ".", "_"))]
	if !ok {
		t.Fatalf("no topic %q", words[1])
	}
	e := &schemas.ConversationEvent{
		OrgId: scriptOrg, ConversationId: args["conversation"], Topic: schemas.EventTopic(topic), EventTimeMs: at,
		SessionId: args["session"], MediaType: args["media"], MessageType: args["type"], Direction: "inbound",
		QueueId: args["queue"], UserId: args["user"], DivisionId: args["division"],
	}
	if d := args["direction"]; d != "" {
		e.Direction = d
	}
	if a := args["attributes"]; a != "" {
		e.Attributes = map[string]string{}
		for pair := range strings.SplitSeq(a, ",") {
			key, value, _ := strings.Cut(pair, ":")
			e.Attributes[key] = value
		}
	}
	return moment{at: at, input: &schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: e}}}
}

// parseAnswer reads what was learnt of Genesys, asked for or not; nil if the word
// is none of that.
func parseAnswer(t *testing.T, at int64, word string, args map[string]string) *schemas.InputRecord {
	t.Helper()
	switch word {
	case "observed", "answer":
		return &schemas.InputRecord{Kind: &schemas.InputRecord_ThreadObserved{ThreadObserved: parseObserved(t, at, args)}}
	case "failed":
		return &schemas.InputRecord{Kind: &schemas.InputRecord_CheckFailed{CheckFailed: &schemas.CheckFailed{
			OrgId: scriptOrg, ConversationId: args["conversation"], Reason: args["reason"], AtMs: at,
		}}}
	case "done":
		return &schemas.InputRecord{Kind: &schemas.InputRecord_ActionDone{ActionDone: &schemas.ActionDone{
			OrgId: scriptOrg, ConversationId: args["conversation"], Do: args["do"], Outcome: args["outcome"], Reason: args["reason"], AtMs: at,
		}}}
	}
	return nil
}

// setRequest makes an input the answer to a request.
func setRequest(in *schemas.InputRecord, id string) {
	switch kind := in.Kind.(type) {
	case *schemas.InputRecord_ThreadObserved:
		kind.ThreadObserved.RequestId = id
	case *schemas.InputRecord_CheckFailed:
		kind.CheckFailed.RequestId = id
	case *schemas.InputRecord_ActionDone:
		kind.ActionDone.RequestId = id
	}
}

func parseObserved(t *testing.T, at int64, args map[string]string) *schemas.ThreadObserved {
	o := &schemas.ThreadObserved{OrgId: scriptOrg, ConversationId: args["conversation"], ObservedAtMs: at, QueueId: args["queue"]}
	for _, m := range strings.FieldsFunc(args["messages"], func(r rune) bool { return r == ',' }) {
		by, when, _ := strings.Cut(m, "@")
		o.Messages = append(o.Messages, &schemas.ThreadMessage{
			AtMs: parseTime(t, when), By: schemas.Author(schemas.Author_value["AUTHOR_"+strings.ToUpper(by)]),
		})
	}
	if a := strings.Split(args["agent"], "/"); len(a) == 3 {
		o.Agent = &schemas.Agent{Id: a[0], Name: strings.ReplaceAll(a[1], "_", " "), State: a[2], ParticipantId: args["participant"]}
	}
	if s := args["started"]; s != "" {
		ms := parseTime(t, s)
		o.StartedAtMs = &ms
	}
	if s := args["ended"]; s != "" {
		ms := parseTime(t, s)
		o.EndedAtMs = &ms
	}
	return o
}

const scriptDate = "2026-03-02"

func parseTime(t *testing.T, s string) int64 {
	t.Helper()
	if !strings.Contains(s, "T") {
		s = scriptDate + "T" + s
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UnixMilli()
		}
	}
	t.Fatalf("%q is no time", s)
	return 0
}

func showTime(i schemas.Instant) string {
	s := i.Time().Format("2006-01-02T15:04:05.999")
	return strings.TrimPrefix(s, scriptDate+"T")
}

// show writes an escalation as the scripts have it.
func show(e *schemas.Escalation) string {
	s := fmt.Sprintf("%s %-9s %-7s %s after %s, since %s, due %s, held by %s", showTime(e.At), e.Status, e.Kind, e.Objective,
		showDuration(e.TierSeconds), showTime(e.Start), showTime(e.Due), showAgent(e.Agent))
	if e.Conversation != "c-1" {
		s = e.Conversation + " " + s
	}
	if e.Queue != nil {
		s += " on " + *e.Queue.ID
	}
	s += ", elapsed " + (time.Duration(e.Elapsed) * time.Second).String()
	if e.Verified {
		s += ", verified"
	}
	if a := e.Action; a != nil {
		s += fmt.Sprintf(", %s %s", a.Do, a.Outcome)
		if a.Reason != nil {
			s += " (" + *a.Reason + ")"
		}
	}
	if e.Reason != nil {
		s += ", because of " + *e.Reason
	}
	return s + "\n"
}

// showRequest writes a request as the scripts have it.
func showRequest(r *schemas.GenesysRequest) string {
	urgency := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(r.Urgency.String(), "URGENCY_")), "_", " ")
	s := fmt.Sprintf("%s asks      %s, due %s", showTime(schemas.Instant(r.RequestedAtMs)), urgency, showTime(schemas.Instant(r.DueMs)))
	if r.ConversationId != "c-1" {
		s = r.ConversationId + " " + s
	}
	if a := r.GetAct(); a != nil {
		s += fmt.Sprintf(", to %s from %s/%s on %s", a.Do, a.AgentId, a.AgentParticipantId, a.QueueId)
		if a.DryRun {
			s += ", dry run"
		}
	}
	return s + "\n"
}

func showDuration(seconds int64) string {
	h, m := seconds/3600, seconds%3600/60
	switch {
	case h == 0:
		return strconv.FormatInt(m, 10) + "m"
	case m == 0:
		return strconv.FormatInt(h, 10) + "h"
	}
	return fmt.Sprintf("%dh%dm", h, m)
}

func showAgent(a *schemas.AgentRef) string {
	switch {
	case a == nil:
		return "nobody"
	case a.Name == nil:
		return *a.ID
	case a.State == nil:
		return *a.Name
	}
	return *a.Name + " (" + *a.State + ")"
}
