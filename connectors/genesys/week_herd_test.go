package genesys

import (
	"context"
	"runtime"
	"slices"
	"sort"
	"testing"
	"testing/synctest"
	"time"

	"unpark/connectors/genesys/simulator"
	"unpark/internal/truthtest"
	"unpark/schemas"
)

// Monday, 12:30: five thousand conversations are due in the same second, half of
// them a breach, and 300 calls a minute are allowed. Everybody is told of once, not
// later than a check may take, and most of them with a look; the breaches are looked
// at first; and no more waits than there are conversations. With -short all of it is
// a fifth.
func TestWeekBeginsWithAHerd(t *testing.T) {
	herd, rate := 5_000, 300
	if testing.Short() {
		herd, rate = 1_000, 60
	}
	w := newWeek(t)
	synctest.Test(t, func(t *testing.T) {
		w.t = t
		w.found(1, 1, nil)
		w.orgs[0].rate = rate
		at := weekStart.Add(4 * time.Hour)
		w.orgs[0].strict = "sms"
		for i := range herd {
			w.orgs[0].Open(simulator.Opening{At: at, Media: simulator.Message, MessageType: []string{"sms", "whatsapp"}[i%2]}, nil)
		}
		var m memory
		w.beside = func(ctx context.Context) { m.watch(ctx, w, at.Add(3*time.Hour)) }
		w.run(at.Add(5*time.Hour), w.distant(0))
		warned, breached := w.account().Herd(t, 3*time.Hour+30*time.Minute), w.account().Herd(t, 4*time.Hour)
		t.Logf("of %d, verified: %d after 3h30m, %d after 4h; at most %d requests waited, and %d KB more were in use than half an hour before", herd, warned, breached, m.waiting, m.grown>>10)
		if warned < herd/2 || breached < herd/2 {
			t.Error("fewer are verified than the calls allow for")
		}
		if waited := w.urgentFirst(); waited < herd/20 {
			t.Errorf("%d breaches waited for a look, so that the order says little", waited)
		}
		if m.waiting > herd || m.waiting < herd/2 {
			t.Errorf("%d requests waited, of %d conversations", m.waiting, herd)
		}
		if most := int64(herd) * perConversation; m.grown > most {
			t.Errorf("%d bytes more are in use than before the herd, want %d at most", m.grown, most)
		}
	})
}

// perConversation is how many bytes a conversation of a herd may take more than
// before, in all that the bubble holds: its state in the processor, its requests,
// what was told of it, and what the simulation and this test remember.
const perConversation = 10 << 10

// memory is what a herd takes.
type memory struct {
	waiting int   // requests, at most
	grown   int64 // bytes in use when most of them waited
}

// watch looks every second from an instant before the herd on.
func (m *memory) watch(ctx context.Context, w *week, from time.Time) {
	time.Sleep(time.Until(from))
	before := inUse()
	for ctx.Err() == nil {
		n, _ := w.office.desk(w.orgs[0].ID()).queue.waiting()
		if n > m.waiting+m.waiting/10 {
			m.grown = max(m.grown, inUse()-before)
		}
		m.waiting = max(m.waiting, n)
		time.Sleep(time.Second)
	}
}

func inUse() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// urgentFirst fails the test unless whatever was looked at was the most urgent that
// waited, but for what was under way. It returns how many breaches waited for others.
func (w *week) urgentFirst() (waited int) {
	w.t.Helper()
	all := make(map[schemas.Urgency][]*truthtest.Ask) // that were looked at, in that order
	for _, asks := range w.asks {
		for _, a := range asks {
			if !a.Failed {
				all[a.Urgency] = append(all[a.Urgency], a)
			}
		}
	}
	for _, asks := range all {
		slices.SortFunc(asks, func(a, b *truthtest.Ask) int { return a.Answered.Compare(b.Answered) })
	}
	until := func(u schemas.Urgency, t time.Time) int {
		return sort.Search(len(all[u]), func(i int) bool { return !all[u][i].Answered.Before(t) })
	}
	for urgent, asks := range all {
		for _, a := range asks {
			before := 0
			for u := range all {
				if u > urgent {
					before += until(u, a.Answered) - until(u, a.At.Add(time.Second))
				}
			}
			if before > slots {
				w.t.Errorf("%d that were less urgent were looked at while a %v waited, from %v to %v", before, urgent, a.At, a.Answered)
			}
			if urgent == schemas.Urgency_URGENCY_BREACH && a.Answered.Sub(a.At) > time.Minute {
				waited++
			}
		}
	}
	return waited
}
