package genesys

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"unpark/schemas"
)

// parked is an org with one conversation, c, that Dan has parked in queue q.
type parked struct {
	*twin
	mu       sync.Mutex
	agent    string // whose leg is open; empty: it waits in the queue
	queue    string
	ended    bool
	acted    int    // calls that took effect
	transfer string // recentTransfers
	fail     http.HandlerFunc
	down     bool // it cannot be looked at
	// before fails the call before it takes effect, else after.
	before bool
}

func newParked() *parked {
	p := &parked{twin: newTwin(), agent: "dan", queue: "q"}
	p.HandleFunc(getConversation, func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		down := p.down
		p.mu.Unlock()
		if down {
			writeJSON(w, 400, `{}`)
			return
		}
		writeJSON(w, 200, p.body())
	})
	p.answer(getDetails, 404, `{}`)
	p.HandleFunc("POST /api/v2/conversations/messages/c/participants/p-dan/replace", p.act(p.requeue))
	p.HandleFunc("PATCH /api/v2/conversations/messages/c/participants/p-dan", p.act(func() { p.ended = true }))
	return p
}

// requeue has whoever holds it put it back into its queue.
func (p *parked) requeue() {
	p.agent = ""
	p.transfer = fmt.Sprintf(`{"state":"Complete","dateIssued":%q,"destination":{"queueId":"q"}}`, time.Now().UTC().Format(time.RFC3339Nano))
}

func (p *parked) act(effect func()) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		if p.fail != nil && p.before {
			p.mu.Unlock()
			p.fail(w, r)
			return
		}
		effect()
		p.acted++
		p.mu.Unlock()
		if p.fail != nil {
			p.fail(w, r)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}
}

func (p *parked) body() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	state, end := "connected", ""
	if p.ended {
		state, end = "disconnected", fmt.Sprintf(`,"endTime":%q`, time.Now().UTC().Format(time.RFC3339Nano))
	}
	agent := ""
	if p.agent != "" && !p.ended {
		agent = fmt.Sprintf(`,{"id":"p-%s","purpose":"agent","userId":%q,"name":"Dan","queueId":"q","messages":[{"state":"parked","parkTime":"2026-03-02T09:00:00Z"}]}`, p.agent, p.agent)
	}
	acd := "disconnected"
	if p.agent == "" && !p.ended {
		acd = "connected"
	}
	return fmt.Sprintf(`{"participants":[{"purpose":"customer","messages":[{"state":%q}]},{"purpose":"acd","queueId":%q,"queueName":"Q","messages":[{"state":%q}]}%s],"recentTransfers":[%s]%s}`,
		state, p.queue, acd, agent, p.transfer, end)
}

func live(perHour int) settings {
	s := connected(300)
	s.Actions.Mode, s.Actions.PerHour = actionsLive, perHour
	return s
}

func act(id, do string) *schemas.GenesysRequest {
	return &schemas.GenesysRequest{Id: id, OrgId: "o", ConversationId: "c", Urgency: schemas.Urgency_URGENCY_ACTION,
		Kind: &schemas.GenesysRequest_Act{Act: &schemas.Act{Do: do, AgentId: "dan", AgentParticipantId: "p-dan", QueueId: "q"}}}
}

func TestAct(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, tt := range []struct {
		name   string
		change func(*parked, *settings, *schemas.GenesysRequest)
		do     string
		want   string
		acted  int
	}{
		{"requeue", nil, doRequeue, "done", 1},
		{"disconnect", nil, doDisconnect, "done", 1},
		{"off", func(_ *parked, s *settings, _ *schemas.GenesysRequest) { s.Actions.Mode = actionsOff }, doRequeue, "refused off", 0},
		{"dry run", func(_ *parked, s *settings, _ *schemas.GenesysRequest) { s.Actions.Mode = "dry_run" }, doRequeue, "dry_run", 0},
		{"no mode", func(_ *parked, s *settings, _ *schemas.GenesysRequest) { s.Actions.Mode = "" }, doRequeue, "dry_run", 0},
		{"asked to say only", func(_ *parked, _ *settings, r *schemas.GenesysRequest) { r.GetAct().DryRun = true }, doRequeue, "dry_run", 0},
		{"asked to say only, and Dan has put it back himself", func(p *parked, _ *settings, r *schemas.GenesysRequest) {
			r.GetAct().DryRun, r.RequestedAtMs = true, time.Now().UnixMilli()
			p.requeue()
		}, doRequeue, "refused not_held", 0},
		{"ended", func(p *parked, _ *settings, _ *schemas.GenesysRequest) { p.ended = true }, doRequeue, "refused ended", 0},
		{"back in the queue", func(p *parked, _ *settings, _ *schemas.GenesysRequest) { p.agent = "" }, doRequeue, "refused not_held", 0},
		{"another agent", func(p *parked, _ *settings, _ *schemas.GenesysRequest) { p.agent = "eva" }, doRequeue, "refused agent_changed", 0},
		{"the same agent in another session", func(_ *parked, _ *settings, r *schemas.GenesysRequest) { r.GetAct().AgentParticipantId = "p-before" }, doRequeue, "refused agent_changed", 0},
		{"nobody is named", func(_ *parked, _ *settings, r *schemas.GenesysRequest) { r.GetAct().AgentId = "" }, doRequeue, "refused agent_changed", 0},
		{"moved", func(p *parked, _ *settings, _ *schemas.GenesysRequest) { p.queue = "elsewhere" }, doRequeue, "refused moved", 0},
		{"something else", nil, "delete", "refused unknown", 0},
		{"none an hour", func(_ *parked, s *settings, _ *schemas.GenesysRequest) { s.Actions.PerHour = 0 }, doRequeue, "refused per_hour", 0},
		{"not allowed", func(p *parked, _ *settings, _ *schemas.GenesysRequest) { p.fail, p.before = status(403), true }, doRequeue, "failed forbidden", 0},
		{"no answer, not taken", func(p *parked, _ *settings, _ *schemas.GenesysRequest) { p.fail, p.before = hang, true }, doRequeue, "failed timeout", 0},
		{"no answer, and taken", func(p *parked, _ *settings, _ *schemas.GenesysRequest) { p.fail = hang }, doRequeue, "done", 1},
		{"503, and disconnected", func(p *parked, _ *settings, _ *schemas.GenesysRequest) { p.fail = status(503) }, doDisconnect, "done", 1},
		{"too late", func(_ *parked, _ *settings, r *schemas.GenesysRequest) {
			r.RequestedAtMs = time.Now().Add(-checkTimeout).UnixMilli()
		}, doRequeue, "failed timeout", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, s, r := newParked(), live(20), act("1", tt.do)
				if tt.change != nil {
					tt.change(p, &s, r)
				}
				b := openBureau(t, rulesOf{"o": s}, p)
				b.send(r)
				time.Sleep(2 * time.Minute)
				if got := b.results()["1"].result; got != tt.want || p.acted != tt.acted {
					t.Errorf("%s with %d calls, want %s with %d", got, p.acted, tt.want, tt.acted)
				}
			})
		})
	}
}

// A call whose outcome is not known may work late, or while nobody can look.
func TestActWorksLate(t *testing.T) {
	for _, do := range []string{doRequeue, doDisconnect} {
		for name, away := range map[string]time.Duration{"late": 0, "unseen": 10 * time.Second, "unseen for minutes": 3 * time.Minute} {
			t.Run(do+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newParked()
					p.fail, p.before = func(w http.ResponseWriter, r *http.Request) {
						p.mu.Lock()
						defer p.mu.Unlock()
						p.down = away > 0
						time.AfterFunc(max(away, 10*time.Second), func() {
							p.mu.Lock()
							defer p.mu.Unlock()
							p.down = false
							p.ended = do == doDisconnect
							if do == doRequeue {
								p.requeue()
							}
						})
						status(503)(w, r)
					}, true
					b := openBureau(t, rulesOf{"o": live(20)}, p)
					b.send(act("1", do))
					time.Sleep(checkTimeout)
					if got := b.results()["1"]; got.result != "done" || got.at > checkTimeout-spare {
						t.Errorf("%+v, want done before nobody waits for it any more", got)
					}
				})
			})
		}
	}
}

// The same request read again, after a crash between the call and its record,
// finds what was done and does not do it again, not even if Dan has it back.
func TestActTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, r := newParked(), act("1", doRequeue)
		r.RequestedAtMs = time.Now().UnixMilli()
		for range 2 {
			b := openBureau(t, rulesOf{"o": live(20)}, p)
			b.send(r)
			time.Sleep(10 * time.Second)
			if got := b.results()["1"].result; got != "done" {
				t.Errorf("%s, want done", got)
			}
			p.mu.Lock()
			p.agent = "dan"
			p.mu.Unlock()
		}
		if p.acted != 1 {
			t.Errorf("acted %d times", p.acted)
		}
	})
}

// A request that is read again, since its answer was lost with the partition, is one
// action of the hour.
func TestActAgainIsOneAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, r := newParked(), act("1", doRequeue)
		p.fail, p.before = status(503), true
		b := openBureau(t, rulesOf{"o": live(1)}, p)
		for _, want := range []string{"failed unavailable", "done"} {
			b.send(r)
			time.Sleep(time.Minute)
			if got := b.results()["1"].result; got != want {
				t.Errorf("%s, want %s", got, want)
			}
			p.mu.Lock()
			p.fail = nil
			p.mu.Unlock()
		}
	})
}

func TestActsAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParked()
		b := openBureau(t, rulesOf{"o": live(2)}, p)
		var got []string
		for i := range 4 {
			p.mu.Lock()
			p.agent, p.transfer = "dan", ""
			p.mu.Unlock()
			if i == 3 {
				time.Sleep(time.Hour)
			}
			id := fmt.Sprint(i)
			b.send(act(id, doRequeue))
			time.Sleep(time.Second)
			got = append(got, b.results()[id].result)
		}
		if want := "done,done,refused per_hour,done"; strings.Join(got, ",") != want {
			t.Errorf("%v, want %s", got, want)
		}
	})
}
