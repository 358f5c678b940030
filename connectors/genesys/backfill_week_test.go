package genesys

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"unpark/connectors/genesys/simulator"
	"unpark/schemas"
)

// backfill compares each organisation with what the processor knows, as `unpark
// backfill` does, and returns what was found; what it tells is applied at once.
func (w *week) backfill(ctx context.Context, change func(*Backfill)) (all Summary) {
	w.t.Helper()
	for _, o := range w.orgs {
		rules, _, _ := w.office.deps.Configs.NewestRules(o.ID())
		_, client := w.office.desk(o.ID()).configured()
		b := Backfill{
			Org: o.ID(), Client: client, Rules: rules, Days: DefaultDays,
			States: func(ctx context.Context) (map[string][]byte, error) { return w.states(ctx, o.ID()) },
			Produce: func(ctx context.Context, conversation string, facts ...*schemas.InputRecord) error {
				w.filled += len(facts)
				return w.produce(ctx, conversation, facts...)
			},
		}
		if change != nil {
			change(&b)
		}
		s, err := b.Run(ctx)
		if err != nil {
			if ctx.Err() == nil {
				w.t.Error(err)
			}
			return all
		}
		all.Open, all.Known, all.Opened = all.Open+s.Open, all.Known+s.Known, all.Opened+s.Opened
		all.Completed, all.Ended, all.Lost = all.Completed+s.Completed, all.Ended+s.Ended, all.Lost+s.Lost
	}
	return all
}

// states are the processor's states of an organisation's conversations.
func (w *week) states(_ context.Context, org string) (map[string][]byte, error) {
	all := make(map[string][]byte)
	w.outside(func() error {
		return w.driver.State(func(key, value []byte) bool {
			if o, id, err := schemas.ParseConversationKey(key); err == nil && o == org {
				all[id] = []byte(string(value))
			}
			return true
		})
	})
	return all, nil
}

// trickle has time pass between any two facts.
func (w *week) trickle(_ context.Context, _ string, facts ...*schemas.InputRecord) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trickles = append(w.trickles, facts...)
	return nil
}

func (w *week) trickling() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.trickles) > 0
}

// Unpark comes to three offices that have been at work for a day and a half: after a
// backfill exactly those are told of who have waited too long or will. A second
// backfill finds nothing to tell. The facts come slowly, so that the processor judges
// between any two of them.
func TestBackfillComesLate(t *testing.T) {
	w := newWeek(t)
	synctest.Test(t, func(t *testing.T) {
		w.t = t
		w.found(1, 3, otherReadings)
		each := 150
		if testing.Short() {
			each = 60
		}
		for _, o := range w.orgs {
			o.Populate(each, weekStart.Add(2*time.Hour), weekStart.Add(40*time.Hour), simulator.Stories())
		}
		late := weekStart.Add(33 * time.Hour)
		w.hears = func(d simulator.Delivered, _ *schemas.InputRecord) bool { return d.At.After(late) }
		w.since = weekStart.Add(1000 * time.Hour)
		var first, second Summary
		w.beside = func(ctx context.Context) {
			time.Sleep(time.Until(late))
			first = w.backfill(ctx, func(b *Backfill) { b.Produce = w.trickle })
			for w.trickling() {
				time.Sleep(time.Second)
			}
			w.since = time.Now().Add(2 * time.Second)
			time.Sleep(10 * time.Minute)
			told := w.filled
			if second = w.backfill(ctx, nil); w.filled > told {
				t.Errorf("the second backfill tells %d facts more", w.filled-told)
			}
		}
		w.run(weekStart.Add(75*time.Hour), w.distant(0))
		r := w.compare()
		t.Logf("%+v; backfilled %+v, then %+v", r, first, second)
		if first.Opened < each/5 || first.Opened+first.Known != first.Open || second.Known != second.Open || second.Opened > 0 {
			t.Errorf("backfilled %+v, then %+v", first, second)
		}
	})
}

// Where nothing is missing a backfill changes nothing, however often it runs and
// whatever happens meanwhile: the same is told, byte for byte, though the analytics'
// times are not quite those of the events, and much is on its way.
func TestBackfillOfLiveSystem(t *testing.T) {
	told := func(every time.Duration) (lines []string) {
		w := newWeek(t)
		open, rounds := 0, 0
		synctest.Test(t, func(t *testing.T) {
			w.t = t
			w.found(2, 2, func(i int, c *simulator.Config) {
				otherReadings(i, c)
				c.Unknowns.AnalyticsSkew, c.Delivery.Delay = 30*time.Millisecond, 90*time.Second
			})
			w.orgs[1].unchecked = true // what is due follows from the starts alone
			for _, o := range w.orgs {
				o.Populate(60, weekStart.Add(2*time.Hour), weekStart.Add(11*time.Hour), simulator.Stories())
			}
			w.beside = func(ctx context.Context) {
				for every > 0 && ctx.Err() == nil {
					time.Sleep(every)
					sum := w.backfill(ctx, func(b *Backfill) { b.Daily, b.Days = true, 1 })
					open, rounds = open+sum.Open, rounds+1
				}
			}
			w.run(weekStart.Add(20*time.Hour), w.distant(0))
			t.Logf("%d open in %d backfills, %d facts told", open, rounds, w.filled)
		})
		for _, e := range w.told {
			line, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(line))
		}
		return lines
	}
	want := told(0)
	if len(want) < 20 {
		t.Fatalf("too little is told: %d", len(want))
	}
	if diff := cmp.Diff(strings.Join(want, "\n"), strings.Join(told(3*time.Minute), "\n")); diff != "" {
		t.Errorf("without and with backfills (-, +):\n%s", diff)
	}
}

// What events have not told, the daily comparison does: who came, who took it, and
// that it is over.
func TestDailyComparison(t *testing.T) {
	for name, unchecked := range map[string]bool{"checks on": false, "checks off": true} {
		t.Run(name, func(t *testing.T) {
			w := newWeek(t)
			synctest.Test(t, func(t *testing.T) { w.t = t; w.compareDaily(unchecked) })
		})
	}
}

func (w *week) compareDaily(unchecked bool) {
	w.found(1, 2, func(_ int, c *simulator.Config) { c.Delivery = simulator.Delivery{Delay: time.Second} })
	o := w.orgs[1]
	o.Zone, o.unchecked, w.daily = nil, unchecked, []string{o.ID()}
	lost := make(map[string]func(*schemas.ConversationEvent) bool) // by conversation
	w.hears = func(_ simulator.Delivered, in *schemas.InputRecord) bool {
		e := in.GetEvent()
		return lost[e.ConversationId] == nil || !lost[e.ConversationId](e)
	}
	open := func(play func(*simulator.Script), missing func(*schemas.ConversationEvent) bool) string {
		id := o.Open(simulator.Opening{At: weekStart.Add(time.Minute), Media: simulator.Message}, func(s *simulator.Script) {
			s.Wait(2 * time.Minute)
			s.Take()
			s.Wait(10 * time.Minute)
			play(s)
		})
		lost[id] = missing
		return id
	}
	after := func(topic schemas.EventTopic, begin time.Duration) func(*schemas.ConversationEvent) bool {
		return func(e *schemas.ConversationEvent) bool {
			return (topic == 0 || e.Topic == topic) && e.EventTimeMs >= weekStart.Add(begin).UnixMilli()
		}
	}
	none := open((*simulator.Script).Park, after(0, 0))
	agent := open((*simulator.Script).Park, after(schemas.EventTopic_EVENT_TOPIC_USER_START, 0))
	both := after(schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, 0)
	closed := open((*simulator.Script).Park, func(e *schemas.ConversationEvent) bool { // by the end of the queue
		return both(e) || e.Topic == schemas.EventTopic_EVENT_TOPIC_USER_START
	})
	over := open((*simulator.Script).Leave, after(0, 10*time.Minute))
	again := open(func(s *simulator.Script) { s.Leave(); s.Wait(10 * time.Minute); s.Write() }, after(0, 10*time.Minute))
	w.run(weekStart.Add(4*time.Hour), w.distant(0))

	said := make(map[string][]*schemas.Escalation)
	for _, e := range w.told {
		said[e.Conversation] = append(said[e.Conversation], e)
	}
	due := func(after time.Duration) string {
		return weekStart.Add(after + 3*time.Hour + 30*time.Minute).Format("15:04")
	}
	for id, want := range map[string]string{none: "agent since " + due(time.Minute), agent: "agent since " + due(time.Minute), closed: "agent since " + due(time.Minute), over: "", again: "nobody since " + due(23*time.Minute)} {
		var got []string
		for _, e := range said[id] {
			holder := "nobody"
			if e.Agent != nil {
				holder = "agent"
			}
			got = append(got, holder+" since "+e.Due.Time().UTC().Format("15:04"))
		}
		if got := strings.Join(got, ", "); got != want {
			w.t.Errorf("told %q, want %q: %v", got, want, said[id])
		}
	}
	for change, want := range map[string]float64{ChangeOpened: 2, ChangeCompleted: 2, ChangeEnded: 1} {
		if got := testutil.ToFloat64(w.office.metrics.reconciled.WithLabelValues(o.ID(), change)); got != want {
			w.t.Errorf("%v conversations %s, want %v", got, change, want)
		}
	}
}
