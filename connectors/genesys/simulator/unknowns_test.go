package simulator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// topics of what is delivered within a day, in order, of agents and customers.
func topics(t *testing.T, f *field) []string {
	t.Helper()
	var all []string
	for _, e := range events(t, f.Deliver(f.time().Add(24*time.Hour))) {
		if strings.HasPrefix(e.topic(), "user.") || strings.HasPrefix(e.topic(), "customer.") {
			all = append(all, e.topic())
		}
	}
	return all
}

func TestBothReadingsOfParking(t *testing.T) {
	for ends, want := range map[bool]int{false: 1, true: 2} {
		f := newField(t, func(c *Config) { c.Unknowns.ParkingEndsSession = ends })
		f.Open(Opening{At: monday, Media: Message}, func(s *Script) { parked(s); s.Wait(time.Hour); s.Answer() })
		all := topics(t, f)
		starts := len(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s != "user.start" }))
		if starts != want || slices.Contains(all, "user.end") != ends {
			t.Errorf("parking ends the session: %v, and the events are %v", ends, all)
		}
	}
}

func TestBothReadingsOfAMailIntoAConversation(t *testing.T) {
	for starts, want := range map[bool]int{false: 1, true: 2} {
		f := newField(t, func(c *Config) { c.Unknowns.MailStartsSession, c.MultiAction = starts, true })
		f.Open(Opening{At: monday, Media: Email}, func(s *Script) { parked(s); s.Answer(); s.Wait(time.Hour); s.Write() })
		all := slices.DeleteFunc(topics(t, f), func(s string) bool { return s != "customer.start" })
		if len(all) != want {
			t.Errorf("a mail starts a session: %v, and customer.start came %d times", starts, len(all))
		}
	}
}

func TestBothReadingsOfReplace(t *testing.T) {
	for refuses, want := range map[bool]int{false: 202, true: 400} {
		f := newField(t, func(c *Config) { c.Unknowns.ReplaceRefusesParked = refuses })
		id := f.Open(Opening{At: monday, Media: Message}, parked)
		f.step(monday.Add(4 * time.Hour))
		agent := f.get("/api/v2/conversations/" + id).participants("agent")[0]
		path := fmt.Sprintf("/api/v2/conversations/%s/participants/%s/replace/queue", id, agent.text("id"))
		if status, _, a := f.call("POST", path, fmt.Sprintf(`{"queueId":%q}`, agent.text("queueId"))); status != want {
			t.Errorf("%d %v, want %d", status, a, want)
		}
	}
}

func TestBothReadingsOfReopening(t *testing.T) {
	for keeps, want := range map[bool]int{false: 2, true: 1} {
		f := newField(t, func(c *Config) { c.Unknowns.ReopenKeepsParticipant = keeps })
		id := f.Open(Opening{At: monday, Media: Email}, func(s *Script) { parked(s); s.Answer(); s.Wait(time.Hour); s.Write() })
		f.step(monday.Add(5 * time.Hour))
		if got := f.get("/api/v2/conversations/" + id).participants("customer"); len(got) != want {
			t.Errorf("keeps the participant: %v, and there are %d", keeps, len(got))
		}
	}
}

func TestBothReadingsOfReads(t *testing.T) {
	for needs, want := range map[bool]int{false: 200, true: 403} {
		f := newField(t, func(c *Config) { c.Unknowns.ReadsNeedPermission = needs })
		f.Revoke(viewCommunication)
		if status, _, a := f.call("GET", "/api/v2/users", ""); status != want {
			t.Errorf("%d %v, want %d", status, a, want)
		}
	}
}

func TestNoAnswerIsSpelledAsAsked(t *testing.T) {
	for _, want := range []string{"", "ENDPOINT", "CLIENT", "NOT_AVAILABLE_TRANSFER"} {
		f := newField(t, func(c *Config) { c.Unknowns.NoAnswer = want })
		fill(&want, "NO_ANSWER_TRANSFER")
		f.Open(Opening{At: monday, Media: Message}, func(s *Script) { s.Work(time.Minute); s.Decline() })
		for _, e := range events(t, f.Deliver(monday.Add(time.Hour))) {
			b := e.Detail.EventBody
			if e.topic() == "user.end" && (b.text("disconnectType") != want || b.number("interactingDurationMs") != 0 || b.number("alertingDurationMs") == 0) {
				t.Errorf("want %s: %v", want, b)
			}
			if e.topic() == "acd.end" {
				t.Error("the queue gave up")
			}
		}
	}
}

func TestWrapUpComesAfterTheEnd(t *testing.T) {
	for waits, want := range map[bool]bool{false: true, true: false} {
		f := newField(t, func(c *Config) { c.Unknowns.EndWaitsForWrapUp = waits })
		var closed time.Time
		id := f.Open(Opening{At: monday, Media: Message}, func(s *Script) { parked(s); s.Wait(time.Hour); s.Close(); closed = s.Now() })
		f.step(closed.Add(100 * time.Millisecond))
		ended := f.get("/api/v2/conversations/"+id).text("endTime") != ""
		analytics := f.get("/api/v2/analytics/conversations/"+id+"/details").text("conversationEnd") != ""
		if ended != want || analytics {
			t.Errorf("the end waits for the wrap-up: %v, and it has ended: %v, for the analytics: %v", waits, ended, analytics)
		}
		f.step(closed.Add(time.Hour))
		if f.get("/api/v2/analytics/conversations/"+id+"/details").text("conversationEnd") == "" {
			t.Error("never ended")
		}
	}
}

func TestAnalyticsSkew(t *testing.T) {
	f := newField(t, func(c *Config) { c.Unknowns.AnalyticsSkew = 50 * time.Millisecond })
	id := f.Open(Opening{At: monday, Media: Message}, parked)
	f.step(monday.Add(time.Hour))
	f.login()
	_, _, a := f.call("GET", "/api/v2/analytics/conversations/"+id+"/details", "")
	off := 0
	for _, p := range a.list("participants") {
		for _, s := range p.list("sessions") {
			from, err := time.Parse(time.RFC3339, s.list("segments")[0].text("segmentStart"))
			if err != nil {
				t.Fatal(err)
			}
			for l := range f.conversations[id].legs() {
				if l.id != s.text("sessionId") {
					continue
				}
				if d := from.Sub(l.started).Abs(); d > 50*time.Millisecond {
					t.Errorf("%v off", d)
				} else if d > 0 {
					off++
				}
			}
		}
	}
	if off == 0 {
		t.Error("no time is off")
	}
}
