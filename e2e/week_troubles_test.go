package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"unpark/connectors/genesys/simulator"
	"unpark/schemas"
)

// blow is what happens while an action is being taken.
type blow string

const (
	none           blow = ""
	verifierAfter  blow = "the verifier is killed when Genesys has done it"
	verifierBefore blow = "the verifier is killed before Genesys does it"
	processors     blow = "both processors are killed"
	lost           blow = "the answer is lost"
)

// A day of troubles on a real Kafka: one organisation gives out no tokens for an
// hour, one asks to be left alone and then is dead, and in the third, conversations
// reach 48 hours while the verifier and the processors are killed in the middle of
// requests and actions. Nothing is silent, what could not be looked at is told
// unverified, no conversation is put back twice, and nothing of it concerns the
// third organisation's alerts.
func TestWeekOfTroubles(t *testing.T) {
	length := weekly(t)
	if length == "" {
		t.Skip("UNPARK_WEEK is not set: see make week-kafka")
	}
	blows := []blow{none, verifierAfter, processors, lost}
	if length == "long" {
		for range 4 {
			blows = append(blows, verifierBefore, none, processors, verifierAfter, lost)
		}
	}
	start := weekStart.Add(3*time.Hour + 55*time.Minute)
	w := newWeek(t, 3, start, "live", func(_ int, c *simulator.Config) { c.Limits.TokenTTL = 20 * time.Minute })
	for _, o := range w.orgs {
		o.Zone = nil
		o.Populate(25, start.Add(5*time.Minute), start.Add(50*time.Minute), simulator.Stories())
	}
	for i := range blows {
		at := start.Add(time.Duration(15+8*i)*time.Minute - 48*time.Hour)
		w.orgs[2].Open(simulator.Opening{Story: "old", Media: simulator.Message, At: at, ID: fmt.Sprint("old-", i)}, func(s *simulator.Script) {
			s.Wait(time.Minute)
			s.Take()
			s.Wait(time.Minute)
			s.Park()
		})
	}
	noon := start.Add(3*time.Hour + 25*time.Minute)
	w.orgs[0].Break(simulator.Fault{Path: "/oauth/token", Kind: simulator.Answer, Status: 503, From: noon, Until: noon.Add(time.Hour)})
	w.orgs[1].Break(simulator.Fault{Kind: simulator.Answer, Status: 429, RetryAfter: 40 * time.Second, Every: 2, From: noon, Until: noon.Add(20 * time.Minute)})
	w.orgs[1].Break(simulator.Fault{Kind: simulator.Dead, From: noon.Add(20 * time.Minute), Until: noon.Add(65 * time.Minute)})
	w.troubled = func(org string, now time.Time) bool {
		return org != w.orgs[2].ID() && !now.Before(noon) && now.Before(noon.Add(75*time.Minute))
	}
	end := start.Add(6 * time.Hour)
	w.play(end, w.suffer(blows, end))

	l := w.read(end)
	r := w.compare(l, 75*time.Minute)
	failed := l.failedBy()
	t.Logf("%+v; failed looks %v of %d", r, failed, l.asked())
	for i, o := range w.orgs {
		if got, trouble := failed[o.ID()], i < 2; trouble != (got > 0) {
			t.Errorf("%d looks at conversations of org %d failed: %v", got, i, l.failures(o.ID()))
		}
	}
	if r.Unverified == 0 {
		t.Error("nothing was told unverified")
	}
	w.actedOnce(l, len(blows))
}

// failedBy counts the looks that a tier waited for in vain, by org.
func (l *weekLog) failedBy() map[string]int {
	n := make(map[string]int)
	for _, asks := range l.asks {
		for _, a := range asks {
			if a.Failed && a.Urgency <= schemas.Urgency_URGENCY_WARNING {
				n[a.Org]++
			}
		}
	}
	return n
}

// failures describes the looks at an org's conversations that came to nothing.
func (l *weekLog) failures(org string) (all []string) {
	for id, asks := range l.asks {
		for _, a := range asks {
			if a.Org == org && a.Failed {
				all = append(all, fmt.Sprintf("%s asked %v, answered %v (%s)", id, a.At.UTC().Format(time.TimeOnly), a.Answered.UTC().Format(time.TimeOnly), l.why[a]))
			}
		}
	}
	return all
}

// actedOnce fails the test unless every conversation that was old was put back
// exactly once, and told of once, as done, and no other one was.
func (w *week) actedOnce(l *weekLog, want int) {
	w.t.Helper()
	done := make(map[string]int)
	for _, e := range l.told {
		if e.Kind == "action" && e.Status == "raised" {
			w.t.Logf("%s, due %v, at %v, verified %v: %+v", e.Conversation, e.Due, e.At, e.Verified, *e.Action)
		}
		if e.Kind == "action" && e.Status == "raised" && e.Action.Outcome == "done" {
			done[e.Conversation]++
		}
	}
	acted := 0
	for _, o := range w.orgs {
		for _, truth := range o.Truth() {
			if old := truth.Story == "old"; old {
				acted++
				if truth.Requeues != 1 || done[truth.Conversation] != 1 {
					w.t.Errorf("%s was put back %d times and told of as done %d times; asked: %v", truth.Conversation, truth.Requeues, done[truth.Conversation], l.asks[truth.Conversation])
				}
			} else if truth.Requeues != 0 {
				w.t.Errorf("%s was put back", truth.Conversation)
			}
		}
	}
	if acted != want {
		w.t.Errorf("%d conversations were old, want %d", acted, want)
	}
}

// suffer deals out the blows, one for each action that comes before end, and brings
// back to life who was killed.
func (w *week) suffer(blows []blow, end time.Time) (meanwhile func()) {
	struck := make(chan blow)
	var n atomic.Int32
	w.around = func(api http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			i := -1
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/replace") {
				i = int(n.Add(1)) - 1
			}
			if i < 0 || i >= len(blows) {
				api.ServeHTTP(rw, r)
				return
			}
			w.strike(api, rw, r, blows[i], struck)
		})
	}
	return func() {
		for i := range blows {
			b, ok := w.struckBefore(end, struck)
			if !ok {
				w.t.Errorf("there was no action %d before %v", i, end)
				return
			}
			w.t.Logf("%v: action %d: %s", w.lead.Clock().Now().Format(time.TimeOnly), i, b)
			w.revive(b)
		}
	}
}

// struckBefore waits for a blow, until an instant of the clock: on a busy machine
// an action may take its time.
func (w *week) struckBefore(end time.Time, struck <-chan blow) (b blow, ok bool) {
	look := time.NewTicker(pollEvery)
	defer look.Stop()
	for w.lead.Clock().Now().Before(end) {
		select {
		case b = <-struck:
			return b, true
		case <-look.C:
		}
	}
	return none, false
}

// strike serves an action's call, with what happens meanwhile.
func (w *week) strike(api http.Handler, rw http.ResponseWriter, r *http.Request, b blow, struck chan<- blow) {
	switch b {
	case verifierBefore:
		w.kill("verifier")
	case processors:
		w.kill("processor-1", "processor-2")
	}
	answer := httptest.NewRecorder()
	if b != verifierBefore {
		api.ServeHTTP(answer, r)
	}
	if b == verifierAfter {
		w.kill("verifier")
	}
	struck <- b
	if b == verifierAfter || b == verifierBefore || b == lost {
		panic(http.ErrAbortHandler)
	}
	rw.WriteHeader(answer.Code)
	_, _ = rw.Write(answer.Body.Bytes())
}

func (w *week) kill(names ...string) {
	for _, name := range names {
		w.processes[name].signal(syscall.SIGKILL)
	}
}

// revive starts again who was killed, and waits until they do their work.
func (w *week) revive(b blow) {
	var names []string
	switch b {
	case verifierAfter, verifierBefore:
		names = []string{"verifier"}
	case processors:
		names = []string{"processor-1", "processor-2"}
	default:
		return
	}
	for _, name := range names {
		w.processes[name].wait(time.Minute)
		w.begin(name)
	}
	for _, name := range names {
		w.processes[name].ready()
	}
}
