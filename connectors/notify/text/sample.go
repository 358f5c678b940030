package text

import (
	"fmt"
	"time"

	"unpark/schemas"
)

// Sample is an escalation to try a template on.
type Sample struct {
	Name    string
	Subject Subject
}

// Samples returns one of each sort, as `unpark notify preview` shows them and
// Validate tries them: each kind and objective raised, cleared and retracted, each
// outcome of an action, and one of which next to nothing is known.
func Samples() []Sample {
	var all []Sample
	add := func(name string, e schemas.Escalation) {
		all = append(all, Sample{name, Subject{Escalation: &e, Org: "Acme", Zone: time.UTC, Link: Link("eu-central-1", "", e.Conversation)}})
	}
	for _, kind := range []string{"warning", "breach"} {
		for _, objective := range []string{"reply", "first_reply", "resolution", "open"} {
			add(kind+" of "+objective, sample(kind, objective))
		}
	}
	for _, outcome := range []string{"done", "dry_run", "refused", "failed", "not_taken"} {
		e := sample("action", "open")
		e.Action = &schemas.ActionRef{Do: "requeue", Outcome: outcome, Reason: new("cap")}
		add("action "+outcome, e)
	}
	for _, status := range []string{schemas.StatusCleared, schemas.StatusRetracted} {
		e := sample("warning", "reply")
		e.Status, e.Elapsed = status, 14000
		add("warning "+status, e)
	}
	e := sample("warning", "reply")
	e.Agent, e.Queue, e.Verified, e.ObservedAt, e.Media, e.MessageType = nil, nil, false, nil, nil, nil
	add("warning of which little is known", e)
	return all
}

// Example returns a made-up escalation of one tier.
func Example(policy, objective, kind string, at time.Duration, status string) Subject {
	e := sample(kind, objective)
	later := schemas.Instant(at.Milliseconds() - e.TierSeconds*1000) // than what the sample is about
	e.Due, e.At, e.ObservedAt = e.Due+later, e.At+later, new(*e.ObservedAt+later)
	e.Policy, e.Status, e.TierSeconds, e.Elapsed = policy, status, int64(at/time.Second), int64((at+10*time.Second)/time.Second)
	switch {
	case status != schemas.StatusRaised:
		e.Elapsed += 1500
	case kind == "action":
		e.Action = &schemas.ActionRef{Do: "requeue", Outcome: "dry_run"}
	}
	return Subject{Escalation: &e}
}

func sample(kind, objective string) schemas.Escalation {
	at := func(s string) schemas.Instant {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			panic(fmt.Sprintf("text: sample: %v", err)) // they are written below
		}
		return schemas.Instant(t.UnixMilli())
	}
	return schemas.Escalation{
		ID: "8f1c2a4d5e6f708192a3b4c5d6e7f809", Status: schemas.StatusRaised, Kind: kind,
		Org: "32aa07aa-0000-4000-8000-9483601ec29d", Conversation: "2f7bf00a-0000-4000-8000-92238191433e",
		Objective: objective, TierSeconds: 12600, Policy: "whatsapp", PolicyVersion: "c0ffee00c0ffee00c0ffee00c0ffee00",
		Start: at("2026-03-06T15:45:00Z"), Due: at("2026-03-09T11:15:00Z"), At: at("2026-03-09T11:15:10Z"), Elapsed: 12610,
		Verified: true, ObservedAt: new(at("2026-03-09T11:15:03Z")), Media: new("message"), MessageType: new("whatsapp"),
		Queue: &schemas.QueueRef{ID: new("q-1"), Name: new("Support")},
		Agent: &schemas.AgentRef{ID: new("u-1"), Name: new("Ada Lovelace"), State: new("parked"), Since: new(at("2026-03-06T15:50:00Z"))},
	}
}
