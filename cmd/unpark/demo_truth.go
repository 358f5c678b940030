package main

import (
	"time"

	"unpark/connectors/genesys/simulator"
)

// demoPromises are the tiers of the default policy.
var demoPromises = []struct {
	objective, kind string
	at              time.Duration
}{
	{"reply", "warning", 3*time.Hour + 30*time.Minute},
	{"reply", "breach", 4 * time.Hour},
	{"open", "action", 48 * time.Hour},
}

// expected counts what unpark has to say of the day, by status and kind ("raised
// warning"): the organisation knows who really waited, and since when.
func expected(all []simulator.Truth) map[string]int {
	want := make(map[string]int)
	for _, truth := range all {
		for _, p := range demoPromises {
			if p.objective == "open" {
				for _, e := range truth.Episodes {
					expect(want, p.kind, e.From.Add(p.at), e.Until, e.Until)
				}
				continue
			}
			for _, w := range truth.Waits() {
				expect(want, p.kind, w.From.Add(p.at), w.Until, truth.Episodes[w.Episode].Until)
			}
		}
	}
	return want
}

// expect adds what is said of a tier that is due when the stretch it is about
// lasts until until and the conversation until over (zero: to the end of the day).
// Whoever could not be looked at is told of, and taken back.
func expect(want map[string]int, kind string, due, until, over time.Time) {
	lasts := func(t time.Time) bool { return t.IsZero() || t.After(due) }
	blind := !due.Before(demoOut) && due.Before(demoBack) && lasts(over)
	switch {
	case due.After(demoCloses) || !lasts(until) && !blind:
		return
	case !lasts(until):
		want["retracted "+kind]++
	case !until.IsZero():
		want["cleared "+kind]++
	}
	want["raised "+kind]++
}

func storiesOf(all []simulator.Truth) map[string]int {
	n := make(map[string]int)
	for _, t := range all {
		n[t.Story]++
	}
	return n
}
