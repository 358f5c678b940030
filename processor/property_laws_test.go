package processor_test

import (
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"unpark/processor/sla"
)

// These laws of SLA.md hold whatever the records say; no model is needed.

// TestRepeatedInputsChangeNothing: "Applying an event twice changes nothing" (2),
// at any later time that Genesys may take.
func TestRepeatedInputsChangeNothing(t *testing.T) {
	oracle(t, 100)
	rapid.Check(t, func(r *rapid.T) {
		h := genHistoryOf(r, []orgConfig{newOrgConfig(genPatientRules(r))}, true)
		again := h.repeated(rand.New(rand.NewSource(rapid.Int64().Draw(r, "repeats"))))
		want, got := inOrder(h.replayed(t, r)), inOrder(again.replayed(t, r))
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("(-once +repeated):\n%s\n%s", diff, again)
		}
	})
}

// repeated adds copies of inputs behind them, where their own time is past: they
// move no time. Of observations the later of two with one observedAt counts (2),
// so those that share it are left alone.
func (h history) repeated(rnd *rand.Rand) history {
	again := history{orgs: h.orgs}
	for i, m := range h.moments {
		again.moments = append(again.moments, m)
		for range rnd.Intn(3) {
			copied := h.moments[rnd.Intn(i+1)]
			now := slices.MaxFunc(h.moments[:i+1], func(a, b moment) int { return int(a.at - b.at) }).at
			if copied.until || copied.at >= now || now-copied.at >= 4*day || h.tied(copied) {
				continue
			}
			if o := copied.input.GetThreadObserved(); o != nil && o.StartedAtMs != nil {
				continue // of those kept over a close only the newest's start is known
			}
			again.moments = append(again.moments, copied)
		}
	}
	return again
}

func (h history) tied(m moment) bool {
	return m.input.GetThreadObserved() != nil && slices.ContainsFunc(h.moments, func(other moment) bool {
		return !other.until && other.at == m.at && other.input != m.input && other.input.GetThreadObserved() != nil
	})
}

// TestOrderOfArrivalChangesNothing: "The order in which an episode's events arrive
// never changes the result once all of them have arrived before the deadline in
// question" (2).
func TestOrderOfArrivalChangesNothing(t *testing.T) {
	oracle(t, 100)
	rapid.Check(t, func(r *rapid.T) {
		rules := genPatientRules(r)
		// Longer than any story: what is known in between closes no episode.
		rules.Timing.Settle = duration(day)
		s := &story{t: r, org: rules.ID, id: "c-1", at: genEpoch, prompt: true}
		s.begin()
		for range rapid.IntRange(0, 12).Draw(r, "steps") {
			s.wait()
			s.step()
		}
		if rapid.Bool().Draw(r, "ends") {
			s.finish()
		}
		ordered := history{orgs: []orgConfig{newOrgConfig(rules)}}
		all := s.at + hour
		for _, a := range s.arrivals {
			ordered.moments = append(ordered.moments, moment{input: a.input, at: inputTime(a.input)})
		}
		ordered.moments = slices.DeleteFunc(ordered.moments, ordered.tied)
		shuffled := history{orgs: ordered.orgs, moments: slices.Clone(ordered.moments)}
		rand.New(rand.NewSource(rapid.Int64().Draw(r, "order"))).Shuffle(len(shuffled.moments), func(i, j int) {
			shuffled.moments[i], shuffled.moments[j] = shuffled.moments[j], shuffled.moments[i]
		})
		for _, h := range []*history{&ordered, &shuffled} {
			// All of it arrives an hour after it happened, and then time goes on.
			h.moments = append([]moment{{at: all, until: true}}, h.moments...)
			h.moments = append(h.moments, moment{at: all + 3*hour, until: true}, moment{at: all + 2*day, until: true})
		}
		if diff := cmp.Diff(inOrder(ordered.replayed(t, r)), inOrder(shuffled.replayed(t, r))); diff != "" {
			r.Fatalf("(-ordered +shuffled):\n%s\n%s", diff, shuffled)
		}
	})
}

// genPatientRules are rules under which closed records outlive the history.
func genPatientRules(t *rapid.T) sla.Rules {
	rules := genRules(t, "acme")
	rules.Timing.Late = duration(10 * day)
	return rules
}

// TestOneFatePerEscalation: "One id goes raised -> cleared or retracted; never
// both, never twice" (6), and "the running ones add up to elapsed" (6).
func TestOneFatePerEscalation(t *testing.T) {
	oracle(t, 100)
	rapid.Check(t, func(r *rapid.T) {
		h := genHistoryOf(r, []orgConfig{newOrgConfig(genPatientRules(r))}, true)
		status := map[string]string{}
		for _, e := range h.replayed(t, r) {
			switch before := status[e.ID]; {
			case e.Status == "raised" && before == "", e.Status != "raised" && before == "raised":
				status[e.ID] = e.Status
			default:
				r.Fatalf("%s goes from %q to %q\n%s", e.ID, before, e.Status, h)
			}
			var running time.Duration
			for i, interval := range e.Explain {
				if interval.From >= interval.To || i > 0 && (interval.From != e.Explain[i-1].To || interval.State == e.Explain[i-1].State) {
					r.Fatalf("%s is explained by %v", e.ID, e.Explain)
				}
				if interval.State == "running" {
					running += interval.To.Time().Sub(interval.From.Time())
				}
			}
			if got := int64(running / time.Second); got != e.Elapsed {
				r.Fatalf("%s runs for %d s in %v, and says %d s\n%s", e.ID, got, e.Explain, e.Elapsed, h)
			}
		}
	})
}
