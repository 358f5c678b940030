// Package truthtest compares what was told of simulated organisations with what
// was so: nobody who waited too long is missed, nobody else is told of, each once,
// in time, and taken back or cleared as it went on. It is for tests.
//
// Reads: nothing.
// Writes: nothing.
package truthtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"unpark/connectors/genesys/simulator"
	"unpark/schemas"
)

const (
	grace = 10 * time.Second // SLA.md 5.1
	fresh = time.Minute      // SLA.md 5.2
	// settled is how long after the end of a wait what was raised is cleared at the
	// latest: a follow-up and its answer.
	settled = 25 * time.Minute
)

// Org is an organisation, and the zone of the office hours in which its promises
// count: 09:00 to 17:00 from Monday to Friday; nil: they count always.
type Org struct {
	*simulator.Org
	Zone *time.Location
}

// Ask is a request to look at a conversation and what became of it.
type Ask struct {
	Org          string
	At, Answered time.Time // zero: never
	Urgency      schemas.Urgency
	Failed       bool
}

// Week is what was told and asked of some organisations, up to End. Each promises
// an answer within four hours with a warning half an hour before, and looks at what
// is open for two days.
type Week struct {
	Orgs []*Org
	End  time.Time
	Told []*schemas.Escalation
	Asks map[string][]*Ask // by conversation
	// Blind is for how long after its due a tier may be told without a look, if
	// the conversation cannot be looked at: that, the retry after it, and the calls.
	Blind time.Duration
	// Within is how long an answer may take.
	Within time.Duration
	// Ready is when a tier of a conversation that is due may be judged first, or
	// nil: after the grace. Second is the second tick after an instant, or nil: two
	// seconds after it.
	Ready, Second func(conversation string, t time.Time) time.Time

	t testing.TB
}

func (w *Week) ready(conversation string, due time.Time) time.Time {
	if w.Ready == nil {
		return due.Add(grace)
	}
	return w.Ready(conversation, due)
}

func (w *Week) second(conversation string, t time.Time) time.Time {
	if w.Second == nil {
		return t.Add(2 * time.Second)
	}
	return w.Second(conversation, t)
}

// promise is a tier of one stretch that really was.
type promise struct {
	org          *Org
	truth        simulator.Truth
	objective    string
	tier         time.Duration
	from, until  time.Time // until is zero while it goes on
	due          time.Time
	conversation string
}

// account is what was told of one escalation.
type account struct {
	raised, ended []*schemas.Escalation
	explained     bool
}

// due is from and d of the org's hours, by hand.
func (o *Org) due(from time.Time, d time.Duration) time.Time {
	if o.Zone == nil {
		return from.Add(d)
	}
	from = from.In(o.Zone)
	for day := 0; ; day++ {
		opens := time.Date(from.Year(), from.Month(), from.Day()+day, 9, 0, 0, 0, o.Zone)
		closes := time.Date(from.Year(), from.Month(), from.Day()+day, 17, 0, 0, 0, o.Zone)
		if from.After(opens) {
			opens = from
		}
		if wd := closes.Weekday(); wd == time.Saturday || wd == time.Sunday || !opens.Before(closes) {
			continue
		}
		if open := closes.Sub(opens); open < d {
			d -= open
			continue
		}
		return opens.Add(d)
	}
}

// promises are all that fell due, and those that were kept.
func (w *Week) promises() (all []promise) {
	for _, o := range w.Orgs {
		for _, truth := range o.Truth() {
			if truth.Media == simulator.Voice {
				continue
			}
			p := promise{org: o, truth: truth, conversation: truth.Conversation}
			for _, wait := range truth.Waits() {
				p.objective, p.from, p.until = "reply", wait.From, wait.Until
				for _, p.tier = range []time.Duration{3*time.Hour + 30*time.Minute, 4 * time.Hour} {
					p.due = o.due(p.from, p.tier)
					all = append(all, p)
				}
			}
			for _, e := range truth.Episodes {
				p.objective, p.tier, p.from, p.until = "open", 48*time.Hour, e.From, e.Until
				p.due = p.from.Add(p.tier)
				all = append(all, p)
			}
		}
	}
	return all
}

func (p promise) String() string {
	return fmt.Sprintf("%s %s (%s, %s), %s %v since %v, due %v, until %v", p.org.ID(), p.conversation, p.truth.Story, p.truth.Media,
		p.objective, p.tier, p.from.UTC(), p.due.UTC(), p.until.UTC())
}

// lasted says that the stretch went on until after t.
func (p promise) lasted(t time.Time) bool { return p.until.IsZero() || p.until.After(t) }

// Result counts what Compare has seen.
type Result struct {
	Conversations, Due, Kept, Close, Unverified, Cleared, Retracted int
	Latest                                                          time.Duration // after the due, of what was looked at
}

// Compare fails the test for everything that was told and is not so, and for
// everything that is so and was not told, in time, and once.
func (w *Week) Compare(t testing.TB) (r Result) {
	t.Helper()
	w.t = t
	accounts := w.accounts()
	w.prompt()
	for _, o := range w.Orgs {
		r.Conversations += len(o.Truth())
	}
	promises := make(map[string][]promise)
	for _, p := range w.promises() {
		promises[p.conversation] = append(promises[p.conversation], p)
		w.judge(p, accounts[p.conversation], &r)
	}
	for id, all := range accounts {
		for _, a := range all {
			w.settled(id, a, promises[id], &r)
		}
	}
	return r
}

// prompt fails the test for every request that was answered later than it may be,
// or never.
func (w *Week) prompt() {
	for id, asks := range w.Asks {
		for _, a := range asks {
			latest := w.second(id, a.At.Add(w.Within))
			if a.Answered.After(latest) || a.Answered.IsZero() && w.End.After(latest) {
				w.t.Errorf("%s was asked %v, and answered %v", id, a.At.UTC(), a.Answered.UTC())
			}
		}
	}
}

// accounts are what was told, by conversation: each id raised once, and ended once
// at most.
func (w *Week) accounts() map[string][]*account {
	byID := make(map[string]*account)
	all := make(map[string][]*account)
	for _, e := range w.Told {
		a := byID[e.ID]
		if a == nil {
			a = new(account)
			byID[e.ID], all[e.Conversation] = a, append(all[e.Conversation], a)
		}
		if e.Status == schemas.StatusRaised {
			a.raised = append(a.raised, e)
		} else {
			a.ended = append(a.ended, e)
		}
	}
	for _, accounts := range all {
		for _, a := range accounts {
			if len(a.raised) != 1 || len(a.ended) > 1 {
				w.t.Errorf("not once: %s", a)
			}
		}
	}
	return all
}

// judge compares one promise with what was told of its conversation.
func (w *Week) judge(p promise, told []*account, r *Result) {
	var mine []*account
	for _, a := range told {
		if p.tells(a) {
			a.explained = p.lasted(p.due.Add(-fresh)) || a.explained
			mine = append(mine, a)
		}
	}
	looked, failed := w.looked(p)
	latest := w.second(p.conversation, looked)
	switch {
	case !p.lasted(p.due) || p.due.After(w.End):
		r.Kept++
		return
	case !p.lasted(latest) || latest.After(w.End) || failed && (!p.lasted(p.due.Add(w.Blind)) || p.due.Add(w.Blind).After(w.End)):
		r.Close++
		return
	}
	r.Due++
	if failed {
		mine = append(mine, w.unsure(p, told)...)
	}
	if !failed && len(mine) != 1 || len(mine) == 0 {
		w.t.Errorf("missed, or more than once: %s\n  told: %v\n  of all: %v\n  asked: %s", p, mine, told, w.asked(p.conversation))
		return
	}
	e := mine[0].raised[0]
	if !failed && (!e.Verified || e.At.Time().After(latest)) {
		w.t.Errorf("late or unverified: %s\n  told: %v\n  asked: %s", p, mine, w.asked(p.conversation))
	}
	if !failed {
		r.Latest = max(r.Latest, e.At.Time().Sub(p.due))
	}
}

// tells says that an account is of this stretch. The episode's own start is that
// of the customer's leg, which comes after the message.
func (p promise) tells(a *account) bool {
	e := a.raised[0]
	near := e.Start.Time().Sub(p.from)
	return e.Objective == p.objective && e.TierSeconds == int64(p.tier.Seconds()) && near >= 0 && near < time.Second
}

// unsure are the accounts that stand for a promise of which nothing could be seen:
// raised by what was known before.
func (w *Week) unsure(p promise, told []*account) (all []*account) {
	for _, a := range told {
		e := a.raised[0]
		at := e.At.Time()
		standing := len(a.ended) == 0 || a.ended[0].At.Time().After(p.due)
		if e.Objective == p.objective && e.TierSeconds == int64(p.tier.Seconds()) && at.Before(p.due.Add(w.Blind)) && standing {
			all = append(all, a)
		}
	}
	return all
}

// looked is when a tier that is due had to be judged: when the requests were
// answered that it was held for. failed says that one of these, or one of those
// that were to find the wait, was not.
func (w *Week) looked(p promise) (at time.Time, failed bool) {
	at = w.ready(p.conversation, p.due)
	for _, a := range w.Asks[p.conversation] {
		if a.Failed && a.Answered.After(p.due.Add(-w.Blind)) && a.At.Before(w.second(p.conversation, at)) {
			failed = true
		}
		if a.Answered.IsZero() && !a.At.After(w.second(p.conversation, at)) {
			failed = true
		}
		if a.Answered.After(at) && !a.At.After(w.second(p.conversation, at)) {
			at = a.Answered
		}
	}
	return at, failed
}

// settled judges what was told by how it ended.
func (w *Week) settled(conversation string, a *account, promises []promise, r *Result) {
	e := a.raised[0]
	blind := w.failedWithin(conversation, e.Due.Time().Add(-w.Blind), e.At.Time())
	if !e.Verified {
		r.Unverified++
	}
	if !a.explained && !blind {
		w.t.Errorf("false: %s\n  asked: %s", a, w.asked(conversation))
	}
	for _, p := range promises {
		if p.tells(a) && !blind {
			w.ended(p, a)
		}
	}
	for _, e := range a.ended {
		if e.Status == schemas.StatusCleared {
			r.Cleared++
		} else {
			r.Retracted++
		}
	}
}

// ended compares how an account ended with how the stretch did.
func (w *Week) ended(p promise, a *account) {
	got, want := "", ""
	if len(a.ended) > 0 {
		got = a.ended[0].Status
	}
	over := p.until.Add(settled)
	switch {
	case p.until.IsZero():
	case !over.Before(w.End), w.failedWithin(p.conversation, p.until, over):
		return
	case !p.lasted(p.due):
		want = schemas.StatusRetracted
	default:
		want = schemas.StatusCleared
	}
	if got != want || got != "" && a.ended[0].At.Time().After(over) {
		w.t.Errorf("ended %q, want %q: %s\n  %s\n  asked: %s", got, want, a, p, w.asked(p.conversation))
	}
}

// failedWithin says that a look at the conversation failed from from until until.
func (w *Week) failedWithin(conversation string, from, until time.Time) bool {
	return slices.ContainsFunc(w.Asks[conversation], func(k *Ask) bool {
		return k.Failed && k.Answered.After(from) && !k.Answered.After(until)
	})
}

func (a *account) String() string {
	var words []string
	for _, e := range slices.Concat(a.raised, a.ended) {
		words = append(words, fmt.Sprintf("%s %s %s %d since %v due %v at %v (verified %v, observed %v)", e.Status, e.Conversation, e.Objective, e.TierSeconds,
			e.Start, e.Due, e.At, e.Verified, e.ObservedAt))
	}
	return strings.Join(words, "; ")
}

// asked describes the requests of a conversation.
func (w *Week) asked(conversation string) string {
	var words []string
	for _, a := range w.Asks[conversation] {
		words = append(words, fmt.Sprintf("%v..%v %v failed %v", a.At.UTC().Format(time.DateTime), a.Answered.UTC().Format(time.TimeOnly), a.Urgency, a.Failed))
	}
	return strings.Join(words, "; ")
}

// Herd counts who was told of with a look, at a tier that everybody has to be told
// of.
func (w *Week) Herd(t testing.TB, tier time.Duration) (verified int) {
	t.Helper()
	w.t = t
	const waits = 5*time.Minute + 2*time.Second // for an answer: SLA.md 5.2
	told := 0
	for _, all := range w.accounts() {
		for _, a := range all {
			e := a.raised[0]
			if e.TierSeconds != int64(tier.Seconds()) {
				continue
			}
			told++
			if e.Verified {
				verified++
			}
			if late := e.At.Time().Sub(e.Due.Time()); late < grace || late > grace+2*time.Second+waits || len(a.ended) > 0 {
				w.t.Errorf("%v after its due: %s\n  asked: %s", late, a, w.asked(e.Conversation))
			}
		}
	}
	if all := len(w.Orgs[0].Truth()); told != all {
		w.t.Errorf("%d of %d were told of at %v", told, all, tier)
	}
	return verified
}
