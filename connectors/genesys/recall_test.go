package genesys

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// act asks for an action about conversation c, which Dan holds again.
func (d *desktop) act(p *parked, id string) {
	d.t.Helper()
	p.mu.Lock()
	p.agent, p.transfer = "dan", ""
	p.mu.Unlock()
	r := act(id, doRequeue)
	r.RequestedAtMs = time.Now().UnixMilli()
	value, err := r.MarshalVT()
	if err != nil {
		d.t.Fatal(err)
	}
	d.put(value)
}

func ruledBy(s settings) func(*Deps) { return func(d *Deps) { d.Configs = rulesOf{"o": s} } }

// outcome waits for the outcome of an action.
func (d *desktop) outcome(id string) string {
	d.t.Helper()
	for d.t.Context().Err() == nil {
		var outcome string
		d.PollFetches(d.t.Context()).EachRecord(func(r *kgo.Record) {
			in := new(schemas.InputRecord)
			if err := in.UnmarshalVT(r.Value); err != nil {
				d.t.Fatal(err)
			}
			if a := in.GetActionDone(); a.GetRequestId() == id {
				outcome = a.Outcome + " " + a.Reason
			}
		})
		if outcome != "" {
			return outcome
		}
	}
	return "none"
}

// The cap of an hour holds over restarts: who takes the requests over counts what was
// done before, and only that.
func TestCapOverRestarts(t *testing.T) {
	d := newDesktop(t)
	p, rules := newParked(), live(2)
	said := func(stop func(), id, want string) {
		t.Helper()
		d.act(p, id)
		if got := d.outcome(id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
		if stop != nil {
			stop()
		}
	}
	said(d.verify(p, ruledBy(rules)), "1", "done ")
	p.fail, p.before = status(403), true
	said(d.verify(p, ruledBy(rules)), "2", "failed forbidden")
	p.fail = nil
	said(d.verify(p, ruledBy(rules)), "3", "done ")
	for i := range 2 {
		said(d.verify(p, ruledBy(rules)), fmt.Sprint("again-", i), "refused per_hour")
	}
	said(d.verify(p, ruledBy(live(3))), "4", "done ")
	if p.acted != 3 {
		t.Errorf("acted %d times", p.acted)
	}
}

// A request whose answer is told, by a process that died before it could commit that, is
// read again and is over: nothing is done of which something else was told.
func TestAnsweredIsOver(t *testing.T) {
	d := newDesktop(t)
	p := newParked()
	p.fail, p.before = status(403), true
	stop := d.verify(p, ruledBy(live(20)))
	d.act(p, "1")
	if got := d.outcome("1"); got != "failed forbidden" {
		t.Errorf("%s, want failed forbidden", got)
	}
	stop()
	p.fail = nil
	d.act(p, "1") // as if it were not committed
	stop = d.verify(p, ruledBy(live(20)))
	for look := time.NewTicker(10 * time.Millisecond); d.committed() != 2 && t.Context().Err() == nil; {
		<-look.C
	}
	stop()
	if p.acted != 0 {
		t.Errorf("acted %d times after it was told that it failed", p.acted)
	}
}

// An action that is found done, since whoever took it died before it could tell,
// counts too.
func TestFoundDoneCounts(t *testing.T) {
	for _, do := range []string{doRequeue, doDisconnect} {
		synctest.Test(t, func(t *testing.T) {
			p := newParked()
			first := act("1", do)
			first.RequestedAtMs = time.Now().UnixMilli()
			before := openBureau(t, rulesOf{"o": live(1)}, p)
			before.send(first)
			time.Sleep(10 * time.Second)

			b := openBureau(t, rulesOf{"o": live(1)}, p)
			known := make(chan struct{})
			b.recall = &recall{at: time.Now(), done: known}
			b.send(first)
			time.Sleep(10 * time.Second)
			if got := b.results(); len(got) > 0 {
				t.Errorf("%s before it is known what was done: %v", do, got)
			}
			close(known)
			time.Sleep(10 * time.Second)
			p.mu.Lock()
			p.agent, p.transfer, p.ended = "dan", "", false
			p.mu.Unlock()
			b.send(act("2", do))
			time.Sleep(10 * time.Second)
			if got := b.results()["2"].result; got != "refused per_hour" || p.acted != 1 {
				t.Errorf("%s: %s with %d calls, want refused per_hour with 1", do, got, p.acted)
			}
		})
	}
}

// While it is not known what was done before, checks are answered as ever; actions are
// taken as soon as it is, or answered before nobody waits for them any more.
func TestRecallKeepsOnlyActions(t *testing.T) {
	for known, want := range map[time.Duration]string{time.Minute: "done", time.Hour: "failed timeout"} {
		synctest.Test(t, func(t *testing.T) {
			p := newParked()
			anyConversation(p.twin)
			b := openBureau(t, rulesOf{"o": live(20)}, p)
			b.recall = &recall{at: time.Now(), done: make(chan struct{})}
			time.AfterFunc(known, func() { close(b.recall.done) })
			b.send(act("first", doRequeue))
			for i := range 2 * slots {
				b.send(act(fmt.Sprint(i), doRequeue))
			}
			b.check("o", "check", schemas.Urgency_URGENCY_WARNING, 0)
			time.Sleep(checkTimeout)
			got := b.results()
			if c := got["check"]; c.result != "observed" || c.at > time.Second {
				t.Errorf("the check: %+v", c)
			}
			if a := got["first"]; a.result != want || a.at > max(time.Minute, checkTimeout-spare)+2*time.Second || len(got) != 2+2*slots {
				t.Errorf("the action: %+v of %d, want %s", a, len(got), want)
			}
			time.Sleep(time.Hour)
		})
	}
}

// A disconnect of whoever died before they could tell is told by who comes next: the
// agent's part ended first, since it was asked for. An end that began with the
// customer is none of ours, nor is one of a request that nobody had before.
func TestFoundDisconnected(t *testing.T) {
	for _, tt := range []struct {
		name            string
		agent, customer time.Duration // when their parts ended, since the request was made
		taken           time.Duration // when the partition was
		dryRun          bool
		want            string
	}{
		{"disconnected", time.Second, time.Second + 15*time.Millisecond, 30 * time.Second, false, "done"},
		{"the customer left", time.Second + 15*time.Millisecond, time.Second, 30 * time.Second, false, "refused ended"},
		{"over before", -time.Second, -time.Second + 15*time.Millisecond, 30 * time.Second, false, "refused ended"},
		{"asked to say only", time.Second, time.Second + 15*time.Millisecond, 30 * time.Second, true, "refused ended"},
		{"first read here", time.Second, time.Second + 15*time.Millisecond, -time.Minute, false, "refused ended"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				made := time.Now()
				ended := func(after time.Duration) string {
					return fmt.Sprintf(`"messages":[{"state":"disconnected","connectedTime":"1999-12-30T00:00:00Z","disconnectedTime":%q}]`, made.Add(after).UTC().Format(time.RFC3339Nano))
				}
				tw := newTwin()
				tw.answer(getConversation, 200, fmt.Sprintf(`{"participants":[{"purpose":"customer",%s},{"purpose":"acd","queueId":"q","messages":[{"state":"disconnected"}]},
					{"id":"p-before","purpose":"agent","userId":"eva","queueId":"q",%s},{"id":"p-dan","purpose":"agent","userId":"dan","queueId":"q",%s}]}`,
					ended(tt.customer), ended(-time.Hour), ended(tt.agent)))
				time.Sleep(time.Minute)
				b := openBureau(t, rulesOf{"o": live(20)}, tw)
				b.recall = &recall{at: made.Add(tt.taken), done: make(chan struct{})}
				close(b.recall.done)
				r := act("1", doDisconnect)
				r.RequestedAtMs, r.GetAct().DryRun = made.UnixMilli(), tt.dryRun
				b.send(r)
				time.Sleep(time.Minute)
				if got := b.results()["1"].result; got != tt.want {
					t.Errorf("%s, want %s", got, tt.want)
				}
			})
		})
	}
}
