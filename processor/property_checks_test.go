package processor_test

import (
	"cmp"
	"math/rand"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"unpark/processor/replay"
	"unpark/processor/sla"
	"unpark/processor/stream"
	"unpark/schemas"
)

// TestChecksEqualModel is the oracle with checks on: whatever is asked is answered
// soon, late, twice, with a failure or never; an action may end the conversation, and
// rules change in between. The same log leads to the same records and requests.
func TestChecksEqualModel(t *testing.T) {
	oracle(t, 300)
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, r, genCheckedHistory(r))
		defer w.driver.Close()
		w.run()
		want, got := byLog(r, w.history.orgs, w.log, w.out)
		if diff := gocmp.Diff(want, got); diff != "" {
			r.Fatalf("(-model +processor):\n%s\n%s", diff, w)
		}
	})
}

// genCheckedHistory draws a history whose orgs have up to three versions of their
// rules, most with checks on, that come into force on the way.
func genCheckedHistory(t *rapid.T) history { return genChangedHistory(t, genCheckedRules) }

// genChangedHistory draws a history in which rules change on the way, and the
// conversations are judged again a few at a time.
func genChangedHistory(t *rapid.T, genRules func(*rapid.T, string) sla.Rules) history {
	var first, later []orgConfig
	for _, org := range []string{"acme", "beta"}[:rapid.IntRange(1, 2).Draw(t, "orgs")] {
		first = append(first, newOrgConfig(genRules(t, org)))
		for range rapid.IntRange(0, 2).Draw(t, "versions") {
			later = append(later, newOrgConfig(genRules(t, org)))
		}
	}
	h := genHistoryOf(t, first, false)
	for _, c := range later {
		i := rapid.IntRange(0, len(h.moments)).Draw(t, "activated")
		h.moments = slices.Insert(h.moments, i, moment{input: activationOf(c)})
	}
	// Nothing is left to be judged again by whoever goes on.
	end := int64(genEpoch)
	for _, m := range h.moments {
		end = max(end, m.at)
	}
	h.moments = append(h.moments, moment{at: end + second, until: true})
	h.orgs, h.slice = append(first, later...), rapid.IntRange(0, 2).Draw(t, "slice")
	return h
}

func activationOf(c orgConfig) *schemas.InputRecord {
	return &schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: &schemas.ConfigActivated{
		OrgId: c.rules.ID, Part: schemas.PartRules, Version: c.version,
	}}}
}

func genCheckedRules(t *rapid.T, org string) sla.Rules {
	rules := genRules(t, org)
	rules.Checks = rapid.IntRange(0, 4).Draw(t, "checks") > 0
	rules.Timing.CheckTimeout = duration(rapid.SampledFrom([]int64{5 * minute, 5 * minute, 20 * second, 0}).Draw(t, "check timeout"))
	rules.Timing.Followup = duration(rapid.SampledFrom([]int64{15 * minute, 15 * minute, 4 * minute, 0}).Draw(t, "followup"))
	rules.Timing.Lead = duration(rapid.SampledFrom([]int64{10 * minute, 10 * minute, minute, 0}).Draw(t, "lead"))
	rules.Actions = sla.Actions{
		Mode: rapid.SampledFrom([]string{sla.ActionsDryRun, sla.ActionsLive, sla.ActionsOff}).Draw(t, "actions"),
		// No history has as many: which of several conversations comes first is not said.
		PerHour: rapid.SampledFrom([]int{1000, 1000, 0}).Draw(t, "per hour"),
	}
	for i := range rules.Policies {
		for j := range rules.Policies[i].Objectives {
			genAction(t, &rules.Policies[i].Objectives[j])
		}
	}
	return rules
}

// genAction makes an action of a tier now and then.
func genAction(t *rapid.T, o *sla.Objective) {
	if rapid.IntRange(0, 3).Draw(t, "acts") == 0 {
		tier := &o.Tiers[rapid.IntRange(0, len(o.Tiers)-1).Draw(t, "acting tier")]
		tier.Kind, tier.Action = sla.KindAction, rapid.SampledFrom([]string{sla.ActionRequeue, sla.ActionDisconnect}).Draw(t, "action")
	}
}

// world runs a history, and answers what the processor asks in it.
type world struct {
	history history
	t       *rapid.T
	rnd     *rand.Rand
	driver  *replay.Driver
	log     []stream.Record
	out     []stream.Output
	heard   int       // of out
	answers []arrival // to come, in order
	outer   *testing.T
	between func() // called when something has happened
}

func newWorld(outer *testing.T, t *rapid.T, h history) *world {
	w := &world{history: h, t: t, outer: outer, between: func() {}, rnd: rand.New(rand.NewSource(rapid.Int64().Draw(t, "answers")))}
	var err error
	w.driver, err = replay.New(newHandler(outer, h), func(o stream.Output) error {
		w.out = append(w.out, o)
		return nil
	})
	w.check(err)
	w.driver.Log = func(r stream.Record) { w.log = append(w.log, r) }
	return w
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w)
	}
}

// run lets the history happen: what falls due at its time, answers at theirs.
func (w *world) run() {
	for _, in := range w.history.first() {
		w.check(w.driver.Apply(in))
	}
	for _, m := range w.history.moments {
		if w.rnd.Intn(8) == 0 && w.driver.Now() > 0 {
			w.outage(m.at)
		}
		w.advance(max(m.at, w.driver.Now()))
		w.check(w.driver.Apply(m.record()))
		w.listen()
	}
}

// outage moves time to at in one step: nobody works the partition until then, while the
// answers up to some instant are put on its log.
func (w *world) outage(at int64) {
	if at <= w.driver.Now() {
		return
	}
	until := oneOf(w.rnd, w.driver.Now(), at)
	for len(w.answers) > 0 && w.answers[0].at <= until {
		in := w.answers[0].input
		w.answers = w.answers[1:]
		w.check(w.driver.Apply(in))
		w.listen()
	}
	w.check(w.driver.Tick(at))
	w.listen()
}

// advance moves time to at, and hears the answers on the way.
func (w *world) advance(at int64) {
	for steps := 0; ; steps++ {
		if steps > 10_000 {
			w.t.Fatalf("time does not move on from %s\n%s", showTime(schemas.Instant(w.driver.Now())), w)
		}
		target := at
		if len(w.answers) > 0 {
			target = min(at, max(w.answers[0].at, w.driver.Now()))
		}
		due, pending, err := w.driver.NextDue()
		w.check(err)
		switch {
		case pending && due <= target:
			w.check(w.driver.Tick(max(due, w.driver.Now())))
		case target > w.driver.Now():
			w.check(w.driver.Tick(target))
		case len(w.answers) > 0 && w.answers[0].at <= target:
			in := w.answers[0].input
			w.answers = w.answers[1:]
			w.check(w.driver.Apply(in))
		default:
			return
		}
		w.listen()
	}
}

// listen hears what the processor asks, and decides what comes of it.
func (w *world) listen() {
	w.check(w.driver.Commit())
	for ; w.heard < len(w.out); w.heard++ {
		if o := w.out[w.heard]; o.Topic.Suffix == schemas.GenesysRequests.Suffix {
			r := &schemas.GenesysRequest{}
			w.check(r.UnmarshalVT(o.Value))
			w.answer(r)
		}
	}
	slices.SortStableFunc(w.answers, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	w.between()
}

// oneOf picks one of the values.
func oneOf[V any](rnd *rand.Rand, values ...V) V { return values[rnd.Intn(len(values))] }

// answer answers a request: mostly soon, sometimes late, twice or not at all.
func (w *world) answer(r *schemas.GenesysRequest) {
	for n := oneOf(w.rnd, 0, 1, 1, 1, 1, 1, 2); n > 0; n-- {
		at := r.RequestedAtMs + oneOf(w.rnd, 0, second, 2*second, 2*second, 20*second, 4*minute, 8*minute, hour)
		w.answers = append(w.answers, arrival{w.outcome(r, at), at})
	}
	if r.GetAct() != nil && w.rnd.Intn(2) == 0 {
		w.cutOff(r, r.RequestedAtMs+oneOf(w.rnd, second, 20*second))
	}
}

// cutOff ends every session of the conversation, as an action does, whose outcome may
// come long after.
func (w *world) cutOff(r *schemas.GenesysRequest, at int64) {
	for _, l := range w.log {
		if e := l.Input.GetEvent(); isStart(l.Input) && e.OrgId == r.OrgId && e.ConversationId == r.ConversationId {
			end := e.CloneVT()
			end.Topic, end.EventTimeMs = e.Topic+1, at
			w.answers = append(w.answers, arrival{&schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: end}}, at})
		}
	}
}

func (w *world) outcome(r *schemas.GenesysRequest, at int64) *schemas.InputRecord {
	if a := r.GetAct(); a != nil {
		return &schemas.InputRecord{Kind: &schemas.InputRecord_ActionDone{ActionDone: &schemas.ActionDone{
			OrgId: r.OrgId, ConversationId: r.ConversationId, RequestId: r.Id, Do: a.Do, AtMs: at,
			Outcome: oneOf(w.rnd, "done", "done", "dry_run", "refused", "failed"), Reason: oneOf(w.rnd, "", "agent_changed"),
		}}}
	}
	if w.rnd.Intn(5) == 0 {
		return &schemas.InputRecord{Kind: &schemas.InputRecord_CheckFailed{CheckFailed: &schemas.CheckFailed{
			OrgId: r.OrgId, ConversationId: r.ConversationId, RequestId: r.Id, Reason: "unavailable", AtMs: at,
		}}}
	}
	o := &schemas.ThreadObserved{
		OrgId: r.OrgId, ConversationId: r.ConversationId, RequestId: r.Id,
		ObservedAtMs: at - oneOf(w.rnd, 0, 0, second, minute), QueueId: oneOf(w.rnd, "", "q-a"),
	}
	for _, m := range w.history.written[r.OrgId+"/"+r.ConversationId] {
		if m.AtMs <= o.ObservedAtMs && w.rnd.Intn(15) > 0 {
			o.Messages = append(o.Messages, m)
		}
	}
	if w.rnd.Intn(3) > 0 {
		o.Agent = &schemas.Agent{Id: oneOf(w.rnd, agents...), ParticipantId: "p-1"}
	}
	if w.rnd.Intn(15) == 0 {
		ended := o.ObservedAtMs - oneOf(w.rnd, 0, second, hour)
		o.EndedAtMs = &ended
	}
	return &schemas.InputRecord{Kind: &schemas.InputRecord_ThreadObserved{ThreadObserved: o}}
}

// String writes the log so far.
func (w *world) String() string {
	h := history{orgs: w.history.orgs}
	for _, r := range w.log {
		switch {
		case r.Input.GetConfigActivated() != nil:
		case r.Input.GetTick() != nil:
			h.moments = append(h.moments, moment{at: r.AppendTime, until: true})
		default:
			h.moments = append(h.moments, moment{at: inputTime(r.Input), input: r.Input})
		}
	}
	return h.String()
}
