package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parked is taken after an hour of work and put aside.
func parked(s *Script) {
	s.Work(time.Hour)
	s.Take()
	s.Wait(time.Minute)
	s.Park()
}

func TestParkedConversationOverTheAPI(t *testing.T) {
	f := newField(t, nil)
	id := f.Open(Opening{At: monday, Media: Message, MessageType: "whatsapp"}, parked)
	if status, _, a := f.call("GET", "/api/v2/conversations/"+id, ""); status != 404 || a.text("code") != "not.found" || a.text("contextId") == "" {
		t.Errorf("before it begins: %d %v", status, a)
	}
	f.step(monday.Add(4 * time.Hour))
	c := f.get("/api/v2/conversations/" + id)
	if c.text("endTime") != "" || c.text("startTime") != "2026-03-02T08:30:00.040Z" {
		t.Errorf("from %q to %q", c.text("startTime"), c.text("endTime"))
	}
	if got := len(c.list("participants")); got != 4 {
		t.Errorf("%d participants, want customer, workflow, acd and agent", got)
	}
	agent := c.participants("agent")[0]
	leg := agent.list("messages")[0]
	if leg.text("state") != "parked" || leg.text("parkTime") == "" || agent.text("queueId") == "" || agent.text("userId") == "" || agent.text("endTime") != "" {
		t.Errorf("the agent: %v", agent)
	}
	customer := c.participants("customer")[0].list("messages")[0]
	wrote := customer.list("messages")[0]
	if wrote.text("messageTime") != "2026-03-02T08:30:00.000Z" || wrote.text("messageStatus") != "received" || wrote.object("messageMetadata").text("type") != "Text" {
		t.Errorf("the customer wrote %v", wrote)
	}
	one := f.get(wrote.text("messageURI") + "?useNormalizedMessage=true")
	if one.text("direction") != "inbound" || one.text("timestamp") != wrote.text("messageTime") || one.text("messengerType") != "whatsapp" {
		t.Errorf("the message: %v", one)
	}
	d := f.get("/api/v2/analytics/conversations/" + id + "/details")
	session := d.participants("agent")[0].list("sessions")[0]
	var kinds []string
	for _, s := range session.list("segments") {
		kinds = append(kinds, s.text("segmentType"))
	}
	if diff := cmp.Diff([]string{"alert", "interact", "parked"}, kinds); diff != "" || d.text("conversationEnd") != "" {
		t.Errorf("the agent's segments: %s", diff)
	}
}

func TestMailThread(t *testing.T) {
	f := newField(t, func(c *Config) { c.MultiAction = true })
	id := f.Open(Opening{At: monday, Media: Email}, func(s *Script) {
		parked(s)
		s.Wait(time.Minute)
		s.Answer()
	})
	f.step(monday.Add(4 * time.Hour))
	var from []string
	for _, m := range f.get("/api/v2/conversations/emails/" + id + "/messages").list("entities") {
		from = append(from, m.object("from").text("email")+" "+m.text("time"))
		if _, ok := m["direction"]; ok {
			t.Error("the listing has a direction")
		}
	}
	c := f.get("/api/v2/conversations/" + id)
	address := c.participants("customer")[0].text("address")
	if len(from) != 2 || from[0] != address+" 2026-03-02T08:30:00.000Z" || strings.HasPrefix(from[1], address) {
		t.Errorf("the thread: %v", from)
	}
	legs := c.participants("agent")[0].list("emails")
	if len(legs) != 2 || legs[0].text("state") != "disconnected" || legs[1].text("state") != "connected" {
		t.Errorf("the agent's sessions: %v", legs)
	}
	if status, _, _ := f.call("GET", "/api/v2/conversations/messages/"+id, ""); status != 404 {
		t.Errorf("an e-mail among the messages: %d", status)
	}
}

func TestReplaceKeepsTheCustomer(t *testing.T) {
	f := newField(t, nil)
	id := f.Open(Opening{At: monday, Media: Message}, parked)
	f.step(monday.Add(4 * time.Hour))
	c := f.get("/api/v2/conversations/" + id)
	agent := c.participants("agent")[0]
	path := fmt.Sprintf("/api/v2/conversations/messages/%s/participants/%s/replace", id, agent.text("id"))
	body := fmt.Sprintf(`{"queueId":%q,"transferType":"Unattended"}`, agent.text("queueId"))
	if status, _, a := f.call("POST", path, body); status != 202 || a != nil {
		t.Fatalf("replace: %d %v", status, a)
	}
	f.step(monday.Add(4*time.Hour + time.Second))
	c = f.get("/api/v2/conversations/" + id)
	transfers := c.list("recentTransfers")
	if len(transfers) != 1 || transfers[0].text("state") != "Complete" || transfers[0].object("initiator").text("userId") != agent.text("userId") {
		t.Errorf("transfers: %v", transfers)
	}
	if got := c.participants("agent")[0].list("messages")[0]; got.text("disconnectType") != "transfer" {
		t.Errorf("the agent: %v", got)
	}
	if queued := c.participants("acd"); len(queued) != 2 || queued[1].text("endTime") != "" || c.text("endTime") != "" {
		t.Errorf("the queue: %v", queued)
	}
	if status, _, a := f.call("POST", path, body); status != 400 || a.text("code") == "" {
		t.Errorf("the same again: %d %v", status, a)
	}
	f.step(monday.Add(24 * time.Hour))
	f.login()
	if f.get("/api/v2/conversations/"+id).text("endTime") == "" {
		t.Error("nobody answered what was given back")
	}
}

func TestDisconnectEndsItForEverybody(t *testing.T) {
	f := newField(t, nil)
	id := f.Open(Opening{At: monday, Media: Message}, parked)
	f.step(monday.Add(4 * time.Hour))
	if status, _, a := f.call("PATCH", "/api/v2/conversations/messages/"+id, `{"state":"disconnected"}`); status != 202 {
		t.Fatalf("%d %v", status, a)
	}
	f.step(monday.Add(4*time.Hour + time.Second))
	if end := f.get("/api/v2/conversations/" + id).text("endTime"); !strings.HasPrefix(end, "2026-03-02T12:30:00") {
		t.Errorf("ended %q", end)
	}
}

func TestTokenRules(t *testing.T) {
	f := newField(t, func(c *Config) { c.Limits.TokenTTL = time.Hour; c.Limits.TokenPerMinute = 3 })
	id, secret := f.Client()
	if status, a := f.ask(id, "wrong"); status != 401 || a.text("error") != "invalid_client" {
		t.Errorf("wrong secret: %d %v", status, a)
	}
	if status, a := f.ask("nobody", secret); status != 400 || a.text("error") != "invalid_client" {
		t.Errorf("unknown client: %d %v", status, a)
	}
	if status, a := f.ask(id, secret); status != 200 || a.number("expires_in") != 3600 || a.text("token_type") == "" {
		t.Errorf("%d %v", status, a)
	}
	if status, a := f.ask(id, secret); status != 400 || a.text("error") != "invalid_request" || !strings.HasPrefix(a.text("description"), "rate limit exceeded;") {
		t.Errorf("too often: %d %v", status, a)
	}
	f.get("/api/v2/users")
	f.step(monday.Add(time.Hour))
	if status, _, a := f.call("GET", "/api/v2/users", ""); status != 401 || a.text("code") != "bad.credentials" {
		t.Errorf("expired: %d %v", status, a)
	}
	f.login()
	f.get("/api/v2/users")
	f.ExpireTokens()
	if status, _, _ := f.call("GET", "/api/v2/users", ""); status != 401 {
		t.Errorf("expired at once: %d", status)
	}
	f.token = "made-up"
	if status, _, _ := f.call("GET", "/api/v2/users", ""); status != 401 {
		t.Errorf("of nobody: %d", status)
	}
}

func TestRateLimit(t *testing.T) {
	f := newField(t, func(c *Config) { c.Limits.PerMinute = 3 })
	for i := range 3 {
		status, h, _ := f.call("GET", "/api/v2/users", "")
		got := []string{h.Get("inin-ratelimit-count"), h.Get("inin-ratelimit-allowed"), h.Get("inin-ratelimit-reset")}
		if diff := cmp.Diff([]string{fmt.Sprint(i + 1), "3", "60"}, got); status != 200 || diff != "" || h.Get("inin-correlation-id") == "" {
			t.Errorf("call %d: %d %s", i, status, diff)
		}
	}
	f.step(monday.Add(20 * time.Second))
	status, h, a := f.call("GET", "/api/v2/users", "")
	if status != 429 || h.Get("Retry-After") != "40" || a.text("code") != "too.many.requests" ||
		a.text("message") != "Rate limit exceeded the maximum. Retry the request in [40] seconds" {
		t.Errorf("%d %v %v", status, h, a)
	}
	f.step(monday.Add(60 * time.Second))
	f.get("/api/v2/users")
}

func TestPermissions(t *testing.T) {
	f := newField(t, nil)
	f.get("/api/v2/routing/queues")
	f.Revoke("routing:queue:view")
	if status, _, a := f.call("GET", "/api/v2/routing/queues", ""); status != 403 || a.text("code") != "missing.any.permissions" || !strings.Contains(a.text("message"), "routing:queue:view") {
		t.Errorf("%d %v", status, a)
	}
	f.Grant("routing:queue:view")
	f.get("/api/v2/routing/queues")
}

func TestListingsHavePages(t *testing.T) {
	f := newField(t, nil)
	seen := map[string]bool{}
	for next, pages := "/api/v2/users?pageSize=4&pageNumber=1", 0; next != ""; pages++ {
		a := f.get(next)
		for _, u := range a.list("entities") {
			seen[u.text("name")] = true
		}
		if a.number("total") != 10 || a.number("pageCount") != 3 || a.number("pageNumber") != pages+1 {
			t.Errorf("page %d: %v", pages+1, a)
		}
		next = a.text("nextUri")
	}
	if len(seen) != 10 {
		t.Errorf("%d users", len(seen))
	}
	if got := f.get("/api/v2/routing/queues?name=returns").list("entities"); len(got) != 1 || got[0].text("name") != "Returns" {
		t.Errorf("queues by name: %v", got)
	}
	group := f.get("/api/v2/architect/schedulegroups").list("entities")[0]
	if open := group.list("openSchedules"); group.text("timeZone") != "UTC" || len(open) != 1 ||
		f.get("/api/v2/architect/schedules/"+open[0].text("id")).text("start") != "2026-01-05T09:00:00.000" {
		t.Errorf("the group: %v", group)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	f := newField(t, nil)
	for _, path := range []string{"/api/v2/conversations/none", "/api/v2/nonsense", "/api/v2/users/none", "/api/v2/routing/queues/none"} {
		if status, h, a := f.call("GET", path, ""); status != 404 || a.number("status") != 404 || a.text("message") == "" || h.Get("inin-correlation-id") != a.text("contextId") {
			t.Errorf("%s: %d %v", path, status, a)
		}
	}
	req, _ := http.NewRequest("GET", f.server.URL+"/api/v2/users", nil)
	if status, _, a := f.do(req); status != 401 || a.text("code") != "authentication.required" {
		t.Errorf("without a token: %d %v", status, a)
	}
}
