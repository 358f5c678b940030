package genesys

import (
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"unpark/connectors/genesys/simulator"
)

// A working week, told as it was: nobody who waited too long is missed, nobody
// else is told of, each once, in time, and taken back or cleared as it went on.
// UNPARK_WEEK=1 (make week) has 2,000 conversations in five days, three times; else it is one
// day of fewer and the two after it, which -short leaves out.
func TestWeekAgainstTheTruth(t *testing.T) {
	for _, seed := range weekSeeds() {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { oneWeek(t, seed) })
	}
}

// otherReadings gives each organisation another reading of what the documentation
// of Genesys leaves open.
func otherReadings(i int, c *simulator.Config) {
	c.Unknowns = []simulator.Unknowns{
		{},
		{ParkingEndsSession: true, MailStartsSession: true, EndWaitsForWrapUp: true},
		{ReopenKeepsParticipant: true, OneCorrelation: true, NoAnswer: "TIMEOUT"},
	}[i]
	c.MultiAction = i == 1
}

func weekSeeds() []uint64 {
	if os.Getenv("UNPARK_WEEK") != "" {
		return []uint64{1, 2, 3}
	}
	return []uint64{1}
}

func oneWeek(t *testing.T, seed uint64) {
	each, opening, lasts := 60, 24*time.Hour, 75*time.Hour
	if os.Getenv("UNPARK_WEEK") != "" {
		each, opening, lasts = 667, 4*24*time.Hour+12*time.Hour, 5*24*time.Hour
	}
	if testing.Short() {
		each, opening, lasts = 40, 10*time.Hour, 20*time.Hour
	}
	w := newWeek(t)
	synctest.Test(t, func(t *testing.T) {
		w.t = t
		w.found(seed, 3, otherReadings)
		for _, o := range w.orgs {
			o.Populate(each, weekStart.Add(2*time.Hour), weekStart.Add(opening), simulator.Stories())
		}
		w.run(weekStart.Add(lasts), w.distant(50))
		r := w.compare()
		t.Logf("%+v", r)
		if r.Due < each/2 || r.Cleared == 0 {
			t.Errorf("too little happened: %+v", r)
		}
	})
}

// An organisation that gives out no tokens for an hour, one that is asked too much
// and then is dead: what is due there is told without a look, and nothing of it
// concerns the third one.
func TestWeekOfTroubles(t *testing.T) {
	noon := weekStart.Add(7 * time.Hour)
	w := newWeek(t)
	// Two hours, the retry after them, and the calls; who has waited for a pause to
	// end is looked at all the same.
	w.blind, w.within = 150*time.Minute, answerWithin+checkBudget
	synctest.Test(t, func(t *testing.T) {
		w.t = t
		w.found(1, 3, func(_ int, c *simulator.Config) { c.Limits.TokenTTL = 20 * time.Minute })
		for _, o := range w.orgs {
			o.Zone = nil
			o.Populate(60, weekStart.Add(2*time.Hour), noon.Add(2*time.Hour), simulator.Stories())
		}
		w.orgs[0].Break(simulator.Fault{Path: "/oauth/token", Kind: simulator.Answer, Status: 503, From: noon, Until: noon.Add(time.Hour)})
		w.orgs[1].Break(simulator.Fault{Kind: simulator.Answer, Status: 429, RetryAfter: 40 * time.Second, Every: 2, From: noon, Until: noon.Add(time.Hour)})
		w.orgs[1].Break(simulator.Fault{Kind: simulator.Dead, From: noon.Add(2 * time.Hour), Until: noon.Add(4 * time.Hour)})
		w.run(weekStart.Add(24*time.Hour), w.distant(0))
		r := w.compare()
		failed := make(map[string]int)
		for _, asks := range w.asks {
			for _, a := range asks {
				if a.Failed {
					failed[a.Org]++
				}
			}
		}
		t.Logf("%+v; failed looks %v", r, failed)
		if failed["org-0"] == 0 || failed["org-1"] == 0 || failed["org-2"] > 0 || r.Unverified == 0 {
			t.Errorf("failed looks %v, %d unverified", failed, r.Unverified)
		}
	})
}
