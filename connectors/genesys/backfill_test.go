package genesys

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"unpark/clock"
	"unpark/connectors/genesys/simulator"
	"unpark/schemas"
)

const detailsQuery = "POST /api/v2/analytics/conversations/details/query"

// filling is a backfill against a twin, at a Monday's 14:00, and what it told.
type filling struct {
	Backfill
	known   map[string]*schemas.ConversationState
	changes []string
	told    []string
}

func newFilling(tw *twin) *filling {
	f := &filling{known: map[string]*schemas.ConversationState{}}
	f.Backfill = Backfill{
		Org: "o", Client: testClient(tw), Rules: []byte(`{"checks": false}`), Days: 1,
		States: func(context.Context) (map[string][]byte, error) {
			all := make(map[string][]byte)
			for id, st := range f.known {
				raw, err := schemas.AppendState(nil, st)
				if err != nil {
					return nil, err
				}
				all[id] = raw
			}
			return all, nil
		},
		Said: func(c Change) {
			f.changes = append(f.changes, c.Conversation+" "+c.Change+strings.TrimSuffix(" "+c.NotSeen, " "))
		},
		Produce: func(_ context.Context, conversation string, facts ...*schemas.InputRecord) error {
			for _, fact := range facts {
				f.told = append(f.told, conversation+": "+factLine(fact))
			}
			return nil
		},
	}
	return f
}

func factLine(in *schemas.InputRecord) string {
	if o := in.GetThreadObserved(); o != nil {
		return fmt.Sprintf("observed by %q, %d messages, ended %v", o.Agent.GetName(), len(o.Messages), o.EndedAtMs != nil)
	}
	e := in.GetEvent()
	name := strings.ToLower(strings.TrimPrefix(e.Topic.String(), "EVENT_TOPIC_"))
	if len(e.Attributes) > 0 {
		return fmt.Sprintf("%s %v", name, e.Attributes)
	}
	return fmt.Sprintf("%s %s of %s at %s, %s/%s %s, queue %q user %q division %q", name, e.SessionId, e.ParticipantId,
		time.UnixMilli(e.EventTimeMs).UTC().Format("01-02 15:04:05.000"), e.MediaType, e.MessageType, e.Direction, e.QueueId, e.UserId, e.DivisionId)
}

// run runs it on a day on which the twin's query finds the fixture.
func (f *filling) run(t *testing.T) Summary {
	t.Helper()
	f.changes, f.told = nil, nil
	sum, err := f.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func openTwin(t *testing.T) *twin {
	tw := newTwin()
	tw.answers(detailsQuery, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, fixture(t, "open.json")) },
		func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, `{"totalHits":0}`) })
	return tw
}

func monday14(t *testing.T, test func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC)))
		test(t)
	})
}

// What is missing is told as the bridge would have, without what is personal: of
// the newest episode, what is open first, an end before its start.
func TestBackfillTellsWhatEventsWould(t *testing.T) {
	monday14(t, func(t *testing.T) {
		f := newFilling(openTwin(t))
		sum := f.run(t)
		want := []string{
			`came back: customer_start s-c2 of p-c2 at 03-01 22:00:00.000, email/ inbound, queue "" user "" division "d-1"`,
			`came back: acd_start s-q2 of p-q2 at 03-01 22:00:01.000, email/ inbound, queue "q-1" user "" division "d-1"`,
			`parked: customer_start s-c of p-c at 03-02 09:00:00.040, message/whatsapp inbound, queue "" user "" division "d-1"`,
			`parked: user_start s-a2 of p-a at 03-02 09:09:59.950, message/whatsapp inbound, queue "q-2" user "ann" division "d-1"`,
			`parked: flow_end s-f of p-f at 03-02 09:00:01.000, message/whatsapp inbound, queue "" user "" division "d-1"`,
			`parked: flow_start s-f of p-f at 03-02 09:00:00.060, message/whatsapp inbound, queue "" user "" division "d-1"`,
			`parked: acd_end s-q of p-q at 03-02 09:02:00.500, message/whatsapp inbound, queue "q-1" user "" division "d-1"`,
			`parked: acd_start s-q of p-q at 03-02 09:00:01.030, message/whatsapp inbound, queue "q-1" user "" division "d-1"`,
			`parked: user_end s-a1 of p-a at 03-02 09:10:00.000, message/whatsapp inbound, queue "q-1" user "ann" division "d-1"`,
			`parked: user_start s-a1 of p-a at 03-02 09:01:50.000, message/whatsapp inbound, queue "q-1" user "ann" division "d-1"`,
		}
		if diff := cmp.Diff(want, f.told); diff != "" {
			t.Error(diff)
		}
		if want := (Summary{Open: 2, Opened: 2}); sum != want {
			t.Errorf("%+v, want %+v", sum, want)
		}
	})
}

// Of what the processor knows only what it lacks is told, but not what events may
// still tell; what it knows is over for good is left alone.
func TestBackfillTellsWhatIsLacking(t *testing.T) {
	at := func(clock string) *int64 {
		when, err := time.Parse("2006-01-02 15:04:05.000", "2026-03-02 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return ms(when)
	}
	started := func(id string, from, until *int64) *schemas.Session {
		return &schemas.Session{Id: id, StartedAtMs: from, EndedAtMs: until}
	}
	first := &schemas.Fact{AtMs: *at("09:00:00.000")}
	complete := &schemas.ConversationState{Episode: &schemas.Episode{Opened: true, FirstStart: first, Sessions: []*schemas.Session{
		// The API's times are some milliseconds off: nothing moves.
		started("s-c", at("09:00:00.000"), nil), started("s-a1", at("09:01:50.003"), at("09:10:00.004")), started("s-a2", at("09:09:59.000"), nil),
		started("s-q", at("09:00:01.030"), at("09:02:00.500")),
	}, RetiredSessions: []uint64{sessionHash("s-f")}}}
	change := func(f func(*schemas.ConversationState)) *schemas.ConversationState {
		st := complete.CloneVT()
		f(st)
		return st
	}
	for name, c := range map[string]struct {
		state   *schemas.ConversationState
		want    string
		redated bool
	}{
		"nothing":         {complete, "", false},
		"an end":          {change(func(st *schemas.ConversationState) { st.Episode.Sessions[1].EndedAtMs = nil }), "user_end s-a1", false},
		"a start":         {change(func(st *schemas.ConversationState) { st.Episode.Sessions[2].StartedAtMs = nil }), "user_start s-a2", false},
		"a session":       {change(func(st *schemas.ConversationState) { st.Episode.Sessions = slices.Delete(st.Episode.Sessions, 3, 4) }), "acd_end s-q; acd_start s-q", false},
		"closed for good": {&schemas.ConversationState{ClosedAtMs: at("12:00:00.000")}, "", false},
		"closed and open": {&schemas.ConversationState{ClosedAtMs: at("13:00:00.000")}, "customer_start s-c 13:00:00.001; user_start s-a2 13:00:00.001", true},
		"the next is open": {&schemas.ConversationState{
			ClosedAtMs: at("09:00:00.500"), Unsure: &schemas.Unsure{Episode: &schemas.Episode{}}, Episode: change(func(st *schemas.ConversationState) {
				st.Episode.Sessions = slices.Delete(st.Episode.Sessions, 0, 1)
			}).Episode,
		}, "customer_start s-c 09:00:00.501", true},
		"closed unsurely": {&schemas.ConversationState{ClosedAtMs: at("13:00:00.000"), Unsure: &schemas.Unsure{Episode: &schemas.Episode{}}}, "customer_start s-c; user_start s-a2; flow_end s-f; flow_start s-f; acd_end s-q; acd_start s-q; user_end s-a1; user_start s-a1", false},
		"closed before":   {&schemas.ConversationState{ClosedAtMs: at("08:00:00.000")}, "customer_start s-c; user_start s-a2; flow_end s-f; flow_start s-f; acd_end s-q; acd_start s-q; user_end s-a1; user_start s-a1", false},
	} {
		t.Run(name, func(t *testing.T) {
			monday14(t, func(t *testing.T) {
				tw := openTwin(t)
				answer := `{"id":"parked","participants":[{"purpose":"customer","messages":[{"state":"connected","connectedTime":"2026-03-02T09:00:00Z"}]}]}`
				if name == "closed for good" {
					answer = `{"id":"parked","endTime":"2026-03-02T12:00:00Z"}` // the analytics do not know it yet
				}
				tw.answer("GET /api/v2/conversations/parked", 200, answer)
				f := newFilling(tw)
				f.known["parked"] = c.state
				f.run(t)
				var got []string
				for _, line := range f.told {
					if rest, ok := strings.CutPrefix(line, "parked: "); ok {
						words := strings.Fields(rest) // topic, session, ..., time
						if got = append(got, words[0]+" "+words[1]); c.redated {
							got[len(got)-1] += " " + strings.TrimSuffix(words[6], ",")
						}
					}
				}
				if got := strings.Join(got, "; "); got != c.want {
					t.Errorf("told %s, want %s", got, c.want)
				}
			})
		})
	}
}

// What the processor has open and Genesys has not is looked at, and ended if it is
// over, unless the event that tells it may be on its way. One that may not be looked
// at, or whose answer is no use, is said and keeps none of the others.
func TestBackfillEnds(t *testing.T) {
	monday14(t, func(t *testing.T) {
		tw := newTwin()
		tw.answer(detailsQuery, 200, `{}`)
		ended := func(id, at string) {
			tw.answer("GET /api/v2/conversations/"+id, 200, fmt.Sprintf(`{"id":%q,"endTime":%q,"participants":[{"purpose":"customer","endTime":%q,
				"messages":[{"state":"disconnected","connectedTime":"2026-03-02T09:00:00Z","disconnectedTime":%q,"messages":[{"messageTime":"2026-03-02T09:00:00Z"}]}]}]}`, id, at, at, at))
		}
		ended("over", "2026-03-02T13:00:00Z")
		ended("just-over", "2026-03-02T13:59:00Z")
		tw.answer("GET /api/v2/conversations/older", 200, `{"id":"older","participants":[{"purpose":"customer","messages":[{"state":"connected","connectedTime":"2026-01-01T09:00:00Z"}]}]}`)
		tw.answer("GET /api/v2/conversations/forbidden", http.StatusForbidden, `{}`)
		tw.answer("GET /api/v2/conversations/endless", 200, `{"id":"`+strings.Repeat("x", maxAnswer)+`"}`)
		tw.answer("/", http.StatusNotFound, `{}`)
		f := newFilling(tw)
		began := func(at int) *schemas.ConversationState {
			when := time.Now().Add(-time.Duration(at) * time.Minute).UnixMilli()
			return &schemas.ConversationState{Episode: &schemas.Episode{Opened: true, FirstStart: &schemas.Fact{AtMs: when}}}
		}
		f.known = map[string]*schemas.ConversationState{
			"over": began(300), "just-over": began(300), "older": began(300), "gone": began(300), "new": began(10), "closed": {ClosedAtMs: ms(time.Now())},
			"forbidden": began(300), "endless": began(300),
		}
		sum := f.run(t)
		if got, want := strings.Join(f.told, "; "), `over: observed by "", 1 messages, ended true`; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
		if want := (Summary{Ended: 1, Lost: 1, Unseen: 2}); sum != want {
			t.Errorf("%+v, want %+v", sum, want)
		}
		if got, want := strings.Join(f.changes, "; "), "endless unseen bad_answer; forbidden unseen forbidden; over ended"; got != want {
			t.Errorf("said %s, want %s", got, want)
		}
		if n := tw.called("GET /api/v2/conversations/new") + tw.called("GET /api/v2/conversations/closed"); n > 0 {
			t.Errorf("%d calls for what is on its way", n)
		}
	})
}

// What is not known is looked at first: with checks on the observation is told, and
// the attributes that the rules need, of the newest participant. It is told all the
// same if it may not be looked at, and not at all if it is over or gone.
func TestBackfillLooksFirst(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(*twin)
		want   string // of the conversation "parked"
	}{
		"open": {func(tw *twin) {
			tw.answer("GET /api/v2/conversations/parked", 200, `{"id":"parked","participants":[
				{"purpose":"agent","name":"Ann","userId":"ann","startTime":"2026-03-02T09:09:59Z","attributes":{"vip":"yes","note":"private"},"messages":[{"state":"parked","connectedTime":"2026-03-02T09:09:59Z"}]},
				{"purpose":"customer","startTime":"2026-03-02T09:00:00Z","attributes":{"vip":"no","tier":7},"messages":[{"state":"connected","connectedTime":"2026-03-02T09:00:00Z","messages":[{"messageTime":"2026-03-02T09:00:00Z"}]}]}]}`)
		}, `observed by "Ann", 1 messages, ended false; attributes map[vip:yes]; customer_start s-c`},
		"forbidden": {func(tw *twin) { tw.answer("GET /api/v2/conversations/parked", http.StatusForbidden, `{}`) }, "customer_start s-c"},
		"over": {func(tw *twin) {
			tw.answer("GET /api/v2/conversations/parked", 200, `{"id":"parked","endTime":"2026-03-02T13:00:00Z"}`)
		}, ""},
		"gone": {func(*twin) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			monday14(t, func(t *testing.T) {
				tw := openTwin(t)
				c.answer(tw)
				tw.answer("/", http.StatusNotFound, `{}`)
				f := newFilling(tw)
				f.Rules, f.Keep = []byte(`{"checks": true}`), []string{"vip", "tier"}
				f.run(t)
				got := ""
				for _, line := range f.told {
					if rest, ok := strings.CutPrefix(line, "parked: "); ok && !strings.Contains(got, "customer_start") {
						got += "; " + strings.Split(rest, " of ")[0]
					}
				}
				if got = strings.TrimPrefix(got, "; "); got != c.want {
					t.Errorf("told %s, want %s", got, c.want)
				}
				if name == "forbidden" && !slices.Contains(f.changes, "parked opened forbidden") {
					t.Errorf("said %v", f.changes)
				}
			})
		})
	}
}

// A query that is not allowed, or an API that is down, fails the backfill; a dry run
// tells nothing.
func TestBackfillFails(t *testing.T) {
	monday14(t, func(t *testing.T) {
		tw := newTwin()
		tw.answer(detailsQuery, http.StatusForbidden, `{}`)
		_, err := newFilling(tw).Run(t.Context())
		wantReason(t, err, ReasonForbidden, "find open conversations", "details/query")

		tw = openTwin(t)
		tw.answer("/", http.StatusServiceUnavailable, `{}`)
		f := newFilling(tw)
		f.Rules = []byte(`{"checks": true}`)
		_, err = f.Run(t.Context())
		wantReason(t, err, ReasonUnavailable, "conversation came back")

		tw = newTwin()
		tw.answer(detailsQuery, 200, `{}`)
		tw.answer("/", http.StatusServiceUnavailable, `{}`)
		f = newFilling(tw)
		f.known["over"] = openForAnHour()
		_, err = f.Run(t.Context())
		wantReason(t, err, ReasonUnavailable, "conversation over")

		tw = newTwin()
		tw.answer(detailsQuery, 200, `{}`)
		tw.answer("/", http.StatusForbidden, `{}`)
		f = newFilling(tw)
		for _, id := range []string{"one", "two"} {
			f.known[id] = openForAnHour()
		}
		sum, err := f.Run(t.Context()) // not of one of them, but of all
		if wantReason(t, err, ReasonForbidden, "conversation two"); sum.Unseen != 2 {
			t.Errorf("%d unseen, want 2", sum.Unseen)
		}

		f = newFilling(openTwin(t))
		f.Produce = nil
		if f.run(t); len(f.changes) != 2 {
			t.Errorf("a dry run says %v", f.changes)
		}
	})
}

// Conversations that end or come back while the pages are read move the others from
// page to page; those that stay open are all found.
func TestSweepFindsWhatMoves(t *testing.T) {
	monday14(t, func(t *testing.T) {
		org, err := simulator.New(simulator.Config{ID: "o", Seed: 1, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		stay := make(map[string]bool)
		for i := range 350 {
			at := time.Now().Add(-time.Hour + time.Duration(i)*time.Second)
			id := org.Open(simulator.Opening{At: at, Media: simulator.Message}, func(s *simulator.Script) {
				s.Until(time.Now().Add(time.Duration(i%7)*time.Minute + time.Second))
				if i%3 > 0 {
					s.Leave() // one page after the other is read
				}
			})
			stay[id] = i%3 == 0
		}
		org.Advance(time.Now())
		region := distant{simulator.NewRegion(org), 0, time.Millisecond, 2 * time.Millisecond}
		id, secret := org.Client()
		client := NewClient(testConnection, ClientDeps{
			Clock: clock.Real(), Log: slog.New(slog.DiscardHandler), Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				defer func() { time.Sleep(time.Minute); org.Advance(time.Now()) }()
				return region.RoundTrip(r)
			}),
			Resolve: func(ref string) (string, error) {
				return map[string]string{"env:UNPARK_ID": id, "env:UNPARK_SECRET": secret}[ref], nil
			},
		})
		found, err := client.sweep(t.Context(), 1, func(time.Time, int) {})
		if err != nil {
			t.Fatal(err)
		}
		missed := 0
		for id, stays := range stay {
			if _, ok := found[id]; stays && !ok {
				missed++
			}
		}
		if missed > 0 {
			t.Errorf("%d missed", missed)
		}
	})
}

// What has time takes no call that somebody else needs, and all that nobody does; with
// some patience a tenth.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(60, clock.Real())
		count := func(ctx context.Context, n int, calls *int) {
			for range n {
				if p.wait(ctx) == nil {
					*calls++
				}
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		var idle, urgent, beside int
		count(withPatience(ctx), 600, &idle)
		cancel()
		if idle < 500 {
			t.Errorf("%d patient calls in ten minutes in which nobody else called", idle)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var both sync.WaitGroup
		both.Go(func() { count(ctx, 570, &urgent) })
		both.Go(func() { count(withPatience(ctx), 600, &beside) })
		both.Wait()
		if urgent < 560 || beside > 20 {
			t.Errorf("%d urgent and %d patient calls", urgent, beside)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		urgent, beside = 0, 0
		both.Go(func() { count(ctx, 600, &urgent) })
		both.Go(func() { count(withSomePatience(ctx), 600, &beside) })
		both.Wait()
		if urgent < 500 || beside < 45 || beside > 60 {
			t.Errorf("%d urgent calls and %d of some patience, want a tenth", urgent, beside)
		}
	})
}
