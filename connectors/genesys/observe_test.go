package genesys

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"unpark/schemas"
)

// text writes an observation down for comparison.
func text(o *schemas.ThreadObserved) string {
	at := func(ms *int64) string {
		if ms == nil {
			return "-"
		}
		return time.UnixMilli(*ms).UTC().Format("15:04:05.000")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "started %s ended %s queue %s/%s", at(o.StartedAtMs), at(o.EndedAtMs), o.QueueId, o.QueueName)
	if a := o.Agent; a != nil {
		fmt.Fprintf(&b, " agent %s/%s/%s %s since %s", a.Id, a.Name, a.ParticipantId, a.State, at(a.SinceMs))
	}
	for _, m := range o.Messages {
		fmt.Fprintf(&b, "\n%s %s", time.UnixMilli(m.AtMs).UTC().Format("15:04:05"), strings.TrimPrefix(m.By.String(), "AUTHOR_"))
	}
	return b.String()
}

func observe(t *testing.T, tw *twin) (*schemas.ThreadObserved, error) {
	t.Helper()
	return testClient(tw).Observe(t.Context(), "c")
}

func wantObserved(t *testing.T, tw *twin, want string) {
	t.Helper()
	o, err := observe(t, tw)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(o); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Unknown enums, missing fields and fields that are new do not matter.
func TestObserveMessage(t *testing.T) {
	tw := newTwin()
	tw.answer(getConversation, 200, fixture(t, "message.json"))
	wantObserved(t, tw, `started 09:00:00.100 ended - queue q-second/Second agent u-dan/Dan/p-dan parked since 09:26:00.000
09:00:01 CUSTOMER
09:00:02 BOT
09:10:00 AGENT
09:30:00 CUSTOMER`)
	if len(tw.calls) != 2 {
		t.Errorf("calls %v, want the token and one", tw.calls)
	}
}

const (
	getMails   = "GET /api/v2/conversations/emails/c/messages"
	getDetails = "GET /api/v2/analytics/conversations/c/details"
)

// The route's and the agent's mails are the agent's; that of somebody in copy is
// the customer's.
func TestObserveEmail(t *testing.T) {
	tw := newTwin()
	tw.answer(getConversation, 200, fixture(t, "email.json"))
	tw.answer(getMails, 200, fixture(t, "thread.json"))
	tw.answer(getDetails, 200, fixture(t, "details.json"))
	tw.answer("GET /api/v2/users/u-eva", 200, `{"id":"u-eva","name":"Eva","email":"eva@acme.example"}`)
	tw.answer("GET /api/v2/routing/queues/q-1", 200, `{"id":"q-1","name":"Orders"}`)
	want := `started 12:00:00.000 ended - queue q-1/Orders agent u-eva/Eva/p-eva connected since 09:10:03.000
09:00:00 CUSTOMER
09:30:00 AGENT
10:00:00 AGENT
11:00:00 CUSTOMER`
	wantObserved(t, tw, want)

	// Names are asked for once.
	c := testClient(tw)
	before := len(tw.calls)
	for range 2 {
		if _, err := c.Observe(t.Context(), "c"); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(tw.calls) - before; got != 1+2*3+2 {
		t.Errorf("%d calls for two looks: %v", got, tw.calls[before:])
	}
}

// Without analytics nobody knows whose mail it is: to take the agent's for the
// customer's would be wrong.
func TestObserveEmailWithoutAnalytics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		tw.answer(getConversation, 200, fixture(t, "email.json"))
		tw.answer(getMails, 200, fixture(t, "thread.json"))
		tw.answer("GET /api/v2/users/u-eva", 404, `{}`)
		tw.answer("GET /api/v2/routing/queues/q-1", 403, `{}`)
		tw.answers(getDetails, status(503), status(503), status(503), status(503), status(503), status(401), status(401), status(403))
		_, err := observe(t, tw)
		wantReason(t, err, ReasonUnavailable, "/details")
		_, err = observe(t, tw)
		wantReason(t, err, ReasonCredentials, "/details")
		// Not allowed: it is known that it will stay unknown.
		if o, err := observe(t, tw); err != nil || o.Agent.GetName() != "" {
			t.Errorf("%v, %v", o, err)
		}
	})
}

// A writer of whom nothing is known is taken for the customer only once the agents'
// addresses are known; a name that cannot be had does not matter.
func TestObserveEmailWithoutUsers(t *testing.T) {
	for _, tt := range []struct {
		reason string
		down   http.HandlerFunc
	}{
		{ReasonUnavailable, status(503)},
		{ReasonRateLimited, status(429, "Retry-After", "3600")},
		{ReasonTimeout, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{ReasonCredentials, status(401)},
		{ReasonBadAnswer, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, `<html>`) }},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tw, up := newTwin(), false
				tw.answer(getConversation, 200, fixture(t, "email.json"))
				tw.answer(getMails, 200, fixture(t, "thread.json"))
				tw.answer(getDetails, 200, fixture(t, "details.json"))
				tw.answer("GET /api/v2/routing/queues/q-1", 403, `{}`)
				tw.HandleFunc("GET /api/v2/users/u-eva", func(w http.ResponseWriter, r *http.Request) {
					if !up {
						tt.down(w, r)
						return
					}
					writeJSON(w, 200, `{"id":"u-eva","name":"Eva","email":"eva@acme.example"}`)
				})
				c := testClient(tw)
				_, err := c.Observe(t.Context(), "c")
				wantReason(t, err, tt.reason, "/users/u-eva")
				up = true
				time.Sleep(time.Hour) // as long as a 429 has asked for
				o, err := c.Observe(t.Context(), "c")
				if err != nil || !strings.Contains(text(o), "10:00:00 AGENT") {
					t.Errorf("after that: %v, %v", o, err)
				}
			})
		})
	}
	t.Run("no unknown writer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			tw := newTwin()
			tw.answer(getConversation, 200, fixture(t, "email.json"))
			tw.answer(getMails, 200, `{"entities":[{"id":"e-1","from":{"email":"jane@example.org"},"time":"2026-03-02T09:00:00.000Z"}]}`)
			tw.answer("GET /api/v2/users/u-eva", 503, `{}`)
			tw.answer("GET /api/v2/routing/queues/q-1", 503, `{}`)
			wantObserved(t, tw, `started 12:00:00.000 ended - queue q-1/ agent u-eva//p-eva connected since 09:10:03.000
09:00:00 CUSTOMER`)
		})
	})
}

func TestObserveEnds(t *testing.T) {
	leg := func(state, from, to string) string {
		s := fmt.Sprintf(`{"state":%q,"connectedTime":"2026-03-02T%sZ"`, state, from)
		if to != "" {
			s += fmt.Sprintf(`,"disconnectedTime":"2026-03-02T%sZ"`, to)
		}
		return s + "}"
	}
	party := func(purpose, end string, legs ...string) string {
		s := fmt.Sprintf(`{"id":%q,"purpose":%q,"userId":"u","queueId":"q","queueName":"Q","name":"Ann","messages":[%s]`, "p-"+purpose, purpose, strings.Join(legs, ","))
		if end != "" {
			s += fmt.Sprintf(`,"endTime":"2026-03-02T%sZ"`, end)
		}
		return s + "}"
	}
	body := func(end string, parties ...string) string {
		s := `{"id":"c","participants":[` + strings.Join(parties, ",") + "]"
		if end != "" {
			s += fmt.Sprintf(`,"endTime":"2026-03-02T%sZ"`, end)
		}
		return s + "}"
	}
	for _, tt := range []struct{ name, body, want string }{
		{"over, at the last leg and not at the end of the wrap-up",
			body("11:00:00", party("customer", "10:00:00", leg("disconnected", "09:00:00", "10:00:00")), party("agent", "", leg("disconnected", "09:01:00", "10:00:01"))),
			"started 09:00:00.000 ended 10:00:01.000 queue q/Q"},
		{"nobody is there any more and the wrap-up is pending",
			body("", party("customer", "", leg("disconnected", "09:00:00", "10:00:00")), party("agent", "", leg("terminated", "09:01:00", "09:59:59"))),
			"started 09:00:00.000 ended 10:00:00.000 queue q/Q"},
		{"the customer is gone and the agent is not",
			body("", party("customer", "", leg("disconnected", "09:00:00", "10:00:00")), party("agent", "", leg("connected", "09:01:00", ""))),
			"started 09:00:00.000 ended - queue q/Q agent u/Ann/p-agent connected since 09:01:00.000"},
		{"the customer came back",
			body("", party("customer", "", leg("disconnected", "09:00:00", "10:00:00"), leg("connected", "12:00:00", "")), party("acd", "", leg("connected", "12:00:01", ""))),
			"started 12:00:00.000 ended - queue q/Q"},
		{"several agents: the newest connected",
			body("", party("customer", "", leg("connected", "09:00:00", "")), party("agent", "", leg("connected", "09:01:00", "")), party("user", "", leg("connected", "09:05:00", "")), party("agent", "", leg("alerting", "09:06:00", ""))),
			"started 09:00:00.000 ended - queue q/Q agent u/Ann/p-user connected since 09:05:00.000"},
		{"a state that is new",
			body("", party("customer", "", leg("levitating", "09:00:00", "")), party("agent", "", leg("levitating", "09:01:00", ""))),
			"started 09:00:00.000 ended - queue q/Q agent u/Ann/p-agent levitating since 09:01:00.000"},
		{"nothing is known", `{}`, "started - ended - queue /"},
		{"no legs", `{"participants":[{"purpose":"agent"},{"purpose":"customer"},{"purpose":"stranger"},null]}`, "started - ended - queue /"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tw := newTwin()
			tw.answer(getConversation, 200, tt.body)
			tw.answer(getDetails, 404, `{}`)
			wantObserved(t, tw, tt.want)
		})
	}
}

// A name that could not be asked for is asked for at the next look.
func TestNamesAreAskedForAgain(t *testing.T) {
	for name, once := range map[string]http.HandlerFunc{
		"token refused": status(401),
		"no answer":     func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, `<html>`) },
		"redirected":    status(302),
	} {
		t.Run(name, func(t *testing.T) {
			tw := newTwin()
			tw.answer(getConversation, 200, `{"id":"c","participants":[{"purpose":"customer","messages":[{"state":"connected"}]},
				{"id":"p-eva","purpose":"agent","userId":"u-eva","queueId":"q-1","messages":[{"state":"parked","parkTime":"2026-03-02T09:00:00Z"}]}]}`)
			down := true
			tw.HandleFunc("GET /api/v2/users/u-eva", func(w http.ResponseWriter, r *http.Request) {
				if down {
					once(w, r)
					return
				}
				writeJSON(w, 200, `{"id":"u-eva","name":"Eva"}`)
			})
			tw.answer("GET /api/v2/routing/queues/q-1", 403, `{}`)
			c := testClient(tw)
			for _, want := range []string{"", "Eva", "Eva"} {
				o, err := c.Observe(t.Context(), "c")
				if err != nil || o.Agent.GetName() != want {
					t.Errorf("agent %q, %v; want %q", o.GetAgent().GetName(), err, want)
				}
				down = false
			}
			if n := tw.called("GET /api/v2/routing/queues/q-1"); n != 1 {
				t.Errorf("asked %d times for what is refused, want once", n)
			}
		})
	}
}

// Where the conversation lacks the agent or the end, analytics may know.
func TestObserveAsksAnalytics(t *testing.T) {
	tw := newTwin()
	tw.answer(getConversation, 200, `{"id":"c","participants":[{"purpose":"customer","messages":[{"state":"connected","connectedTime":"2026-03-02T09:00:00Z"}]}]}`)
	tw.answer(getDetails, 200, fixture(t, "details.json"))
	wantObserved(t, tw, "started 09:00:00.000 ended - queue / agent u-eva/Eva/p-eva parked since 09:10:03.000")

	tw = newTwin()
	tw.answer(getConversation, 404, `{"message":"gone"}`)
	tw.answer(getDetails, 200, `{"conversationId":"c","conversationEnd":"2026-03-02T10:00:00.000Z"}`)
	wantObserved(t, tw, "started - ended 10:00:00.000 queue /")

	tw = newTwin()
	tw.answer(getConversation, 404, `{"message":"gone"}`)
	tw.answer(getDetails, 404, `{"message":"gone"}`)
	_, err := observe(t, tw)
	wantReason(t, err, ReasonNotFound)
}

// The observation does not claim to know what happened after it was asked for.
func TestObservedAtIsBeforeTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		tw.answers(getConversation, status(429, "Retry-After", "30"), conversation)
		tw.answer(getDetails, 404, `{}`)
		start := time.Now()
		o, err := observe(t, tw)
		if err != nil || o.ObservedAtMs < start.UnixMilli() || o.ObservedAtMs > start.Add(30*time.Second).UnixMilli() {
			t.Errorf("%v, %v; asked at %v", o, err, start)
		}
	})
}
