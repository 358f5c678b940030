package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"unpark/config"
	"unpark/processor/sla"
	"unpark/schemas"
)

// explanationText is an explanation for people, its times in the org's zone.
func explanationText(x sla.Explanation, org config.Org) string {
	t := explanationWriter{zone: time.UTC}
	if zone, err := time.LoadLocation(org.Timezone); err == nil {
		t.zone = zone
	}
	t.line("conversation %s, org %s (%s), as of %s", x.Conversation, cmp.Or(org.Name, "without a name"), x.Org, t.time(x.Now))
	t.state(x)
	t.facts(x)
	t.policy(x)
	for _, o := range x.Objectives {
		t.objective(o, x.Now)
	}
	t.raised(x.Raised)
	t.past(x.Past)
	t.next(x)
	t.genesys(x)
	return t.String()
}

type explanationWriter struct {
	strings.Builder
	zone *time.Location
}

func (t *explanationWriter) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

func (t *explanationWriter) time(at schemas.Instant) string {
	if t.zone == time.UTC {
		return at.Time().Format("Mon 2 Jan 2006 15:04:05Z")
	}
	return at.Time().In(t.zone).Format("Mon 2 Jan 2006 15:04:05 MST")
}

// maybe writes an instant that may not be known.
func (t *explanationWriter) maybe(at *schemas.Instant, otherwise string) string {
	if at == nil {
		return otherwise
	}
	return t.time(*at)
}

func word(s *string) string {
	if s == nil {
		return "unknown"
	}
	return *s
}

func seconds(n int64) string { return short(time.Duration(n) * time.Second) }

func (t *explanationWriter) state(x sla.Explanation) {
	switch x.State {
	case sla.StageRunning:
		t.line("  open since %s, %s", t.time(*x.StartedAt), word(x.Direction))
	case sla.StageStopped:
		t.line("  opened %s, over since %s, closes when that has settled", t.time(*x.StartedAt), t.time(*x.EndedAt))
	case sla.StageExpected:
		if x.ClosedAt != nil {
			t.line("  over since %s; facts have come since, but no start", t.time(*x.ClosedAt))
		} else {
			t.line("  not open: facts have come, but no start")
		}
		return
	default:
		if x.ClosedAt != nil {
			t.line("  over since %s", t.time(*x.ClosedAt))
		} else {
			t.line("  not open")
		}
		return
	}
	if x.ClosedAt != nil {
		t.line("  an episode before ended %s", t.time(*x.ClosedAt))
	}
}

func (t *explanationWriter) facts(x sla.Explanation) {
	if x.State == sla.StageNothing {
		return
	}
	t.line("  media %s, message type %s, division %s", word(x.Media), word(x.Message), word(x.Division))
	if x.Queue != nil {
		t.line("  queue %s", word(cmp.Or(x.Queue.Name, x.Queue.ID)))
	}
	if a := x.Agent; a != nil {
		state := ""
		if a.State != nil {
			state = ", " + *a.State + ","
		}
		t.line("  held by agent %s%s since %s", word(a.ID), state, t.maybe(a.Since, "an unknown time"))
	} else if x.State == sla.StageRunning {
		t.line("  held by nobody")
	}
	for _, s := range x.Sessions {
		t.line("  session %-8s  %s to %s", s.Kind, t.maybe(s.Started, "start not known"), t.maybe(s.Ended, "now open"))
	}
	if len(x.Attributes) > 0 {
		t.line("  attributes known: %s", listed(x.Attributes))
	}
	t.observation(x)
}

func (t *explanationWriter) observation(x sla.Explanation) {
	o := x.Observation
	switch {
	case o == nil && word(x.Direction) == "inbound":
		t.line("  never observed: an inbound conversation counts as waiting from its start")
		return
	case o == nil:
		t.line("  never observed")
		return
	}
	t.line("  observed %s%s", t.time(o.ObservedAt), map[bool]string{true: ", older messages left out"}[o.Truncated])
	for _, m := range o.Messages {
		t.line("    %s  %s wrote", t.time(m.At), m.By)
	}
	if o.EndedAt != nil {
		t.line("    seen over since %s", t.time(*o.EndedAt))
	}
}

func (t *explanationWriter) policy(x sla.Explanation) {
	for _, p := range x.PassedOver {
		t.line("  policy %s does not match: %s", p.Policy, p.Because)
	}
	switch {
	case x.Policy != nil:
		t.line("  policy %s applies, the first that matches (version %s)", *x.Policy, editions(x))
	case x.StartedAt != nil:
		t.line("  no policy applies (version %s)", editions(x))
	}
}

// editions names the versions of what the conversation is judged by.
func editions(x sla.Explanation) string {
	if x.SchedulesVersion == nil {
		return x.PolicyVersion
	}
	return x.PolicyVersion + ", schedules " + *x.SchedulesVersion
}

// shownIntervals is how many of the first and of the last are printed.
const shownIntervals = 8

func (t *explanationWriter) objective(o sla.ObjectiveView, now schemas.Instant) {
	if o.Start == nil {
		t.line("  %s: does not count now", o.Objective)
	} else {
		t.line("  %s: %s counted since %s", o.Objective, seconds(o.Elapsed), t.time(*o.Start))
	}
	if o.Always {
		t.line("    counts as always: its schedule group has not been synced from Genesys")
	}
	for n, i := range o.Explain {
		if left := len(o.Explain) - 2*shownIntervals; left > 1 && n >= shownIntervals && n < shownIntervals+left {
			if n == shownIntervals {
				t.line("    ... %d more, see --json", left)
			}
			continue
		}
		t.line("    %s to %s  %-11s  %s", t.time(i.From), t.time(i.To), i.State, short(i.To.Time().Sub(i.From.Time()).Truncate(time.Second)))
	}
	for _, tier := range o.Tiers {
		switch {
		case tier.Raised:
			t.line("    %s at %s: raised", tier.Kind, seconds(tier.Seconds))
		case tier.Due == nil && given(o):
			t.line("    %s at %s: nothing is due, the first reply is given", tier.Kind, seconds(tier.Seconds))
		case tier.Due == nil:
			t.line("    %s at %s: has no due time now", tier.Kind, seconds(tier.Seconds))
		case *tier.Due > now:
			t.line("    %s at %s: due %s", tier.Kind, seconds(tier.Seconds), t.time(*tier.Due))
		default:
			t.line("    %s at %s: was due %s", tier.Kind, seconds(tier.Seconds), t.time(*tier.Due))
		}
	}
}

// given reports whether the objective is a first reply that the customer has got.
func given(o sla.ObjectiveView) bool {
	n := len(o.Explain)
	return o.Objective == sla.FirstReply && n > 0 && o.Explain[n-1].State == "not_waiting"
}

func (t *explanationWriter) raised(list []sla.RaisedView) {
	for _, r := range list {
		t.line("  %s: %s of %s at %s, due %s, escalation %s, policy %s", r.Status, r.Kind, r.Objective, seconds(r.Seconds), t.time(r.Due), r.ID, r.Policy)
	}
}

func (t *explanationWriter) past(list []sla.PastView) {
	for _, p := range list {
		t.line("  raised earlier and over: %s at %s, due %s, escalation %s", p.Objective, seconds(p.Seconds), t.time(p.Due), p.ID)
	}
}

func (t *explanationWriter) next(x sla.Explanation) {
	switch x.WaitsFor {
	case sla.WaitsStart:
		t.line("  next: nothing, until a session starts")
	case sla.WaitsSettle:
		if x.Look != nil && *x.Look <= x.Now {
			t.line("  next: closes when the queues have been read up to %s, unless a session starts before", t.time(*x.Look))
			return
		}
		t.line("  next: closes %s, unless a session starts before", t.maybe(x.Look, "soon"))
	case sla.WaitsPolicy:
		t.line("  next: nothing, until a policy matches")
	case sla.WaitsCustomer:
		t.line("  next: nothing, until the customer is owed an answer")
	case sla.WaitsNobody:
		t.line("  next: nothing falls due, as things stand")
	case sla.WaitsAction:
		t.line("  next: the outcome of an action")
	default:
		n := x.Next
		s := fmt.Sprintf("%s of %s at %s, due %s", n.Kind, n.Objective, seconds(n.Seconds), t.time(n.Due))
		if x.WaitsFor == sla.WaitsCheck {
			s += ", raised if the look at Genesys that is outstanding does not settle it"
		} else if x.WaitsFor == sla.WaitsGrace {
			s += ", raised as soon as events in flight have had their time and the queues that bring them are read up to it"
		} else if n.Hours != "open" {
			s += "; its hours are closed now"
		}
		t.line("  next: %s", s)
	}
}

// genesys tells what Genesys was asked for, and when it is looked at next.
func (t *explanationWriter) genesys(x sla.Explanation) {
	if r := x.Check; r != nil {
		t.line("  asked Genesys for a look %s (%s), request %s, given up %s", t.time(r.Asked), r.For, r.ID, t.maybe(r.AnswerBy, "when no answer comes"))
	}
	if r := x.Action; r != nil {
		t.line("  asked Genesys to %s %s, request %s, given up %s", r.For, t.time(r.Asked), r.ID, t.maybe(r.AnswerBy, "when no answer comes"))
	}
	if n := x.NextCheck; n != nil {
		t.line("  looks at Genesys next %s (%s), if nothing changes", t.time(n.At), n.For)
	}
}
