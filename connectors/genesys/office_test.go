package genesys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"unpark/clock"
	"unpark/schemas"
)

// rulesOf is org-config for tests: what each org's rules say.
type rulesOf map[string]settings

func (r rulesOf) NewestRules(org string) ([]byte, string, bool) {
	s, ok := r[org]
	b, _ := json.Marshal(s)
	return b, schemas.ContentVersion(b), ok
}

func (r rulesOf) Orgs() []string { return slices.Sorted(maps.Keys(r)) }

// edited is rules that change.
type edited struct{ atomic.Pointer[rulesOf] }

func (e *edited) NewestRules(org string) ([]byte, string, bool) { return e.Load().NewestRules(org) }
func (e *edited) Orgs() []string                                { return e.Load().Orgs() }

func connected(perMinute int) settings {
	conn := testConnection
	conn.RatePerMinute = perMinute
	return settings{Genesys: &conn}
}

// bureau is an office in a bubble, with what it has answered.
type bureau struct {
	*office
	ctx     context.Context
	mu      sync.Mutex
	answers []answer
	refuse  int // so many records are not taken by Kafka
	recall  *recall
}

type answer struct {
	at           time.Duration // since the start
	id, result   string
	conversation string
}

func openBureau(t *testing.T, rules Configs, transport http.RoundTripper) *bureau {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	b := &bureau{ctx: ctx}
	start := time.Now()
	b.office = newOffice(ctx, officeDeps{
		Clock: clock.Real(), Log: slog.New(slog.DiscardHandler), Configs: rules, Resolve: resolveTest, Transport: transport,
		Produce: func(_ context.Context, conversation string, facts ...*schemas.InputRecord) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.refuse > 0 {
				b.refuse--
				return errors.New("not now")
			}
			a := answer{at: time.Since(start), conversation: conversation}
			switch k := facts[0].Kind.(type) {
			case *schemas.InputRecord_ThreadObserved:
				a.id, a.result = k.ThreadObserved.RequestId, "observed"
			case *schemas.InputRecord_CheckFailed:
				a.id, a.result = k.CheckFailed.RequestId, k.CheckFailed.Reason
			case *schemas.InputRecord_ActionDone:
				a.id, a.result = k.ActionDone.RequestId, strings.TrimSuffix(k.ActionDone.Outcome+" "+k.ActionDone.Reason, " ")
			}
			b.answers = append(b.answers, a)
			return nil
		},
	}, newMetrics(prometheus.NewRegistry()))
	done := make(chan struct{})
	go func() { defer close(done); b.run() }()
	t.Cleanup(func() { cancel(); <-done })
	return b
}

func (b *bureau) check(org, id string, u schemas.Urgency, due time.Duration) {
	b.send(&schemas.GenesysRequest{Id: id, OrgId: org, ConversationId: "conv-" + id, Urgency: u, DueMs: due.Milliseconds(),
		Kind: &schemas.GenesysRequest_Check{Check: &schemas.Check{}}})
}

func (b *bureau) send(r *schemas.GenesysRequest) {
	now := time.Now()
	if r.RequestedAtMs == 0 {
		r.RequestedAtMs = now.UnixMilli()
	}
	b.accept(&task{request: r, seen: now, ctx: b.ctx, recall: b.recall, begin: func() bool { return true }, end: func(bool) {}})
}

// results returns the answers so far, by id.
func (b *bureau) results() map[string]answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := make(map[string]answer)
	for _, a := range b.answers {
		m[a.id] = a
	}
	return m
}

func (b *bureau) order() (ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.answers {
		ids = append(ids, a.id)
	}
	return ids
}

func anyConversation(tw *twin) {
	tw.HandleFunc("GET /api/v2/conversations/{id}", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, 200, `{"participants":[{"purpose":"customer","messages":[{"state":"connected"}]},{"purpose":"acd","messages":[{"state":"connected"}]}]}`)
	})
}

// The most urgent goes first, then what is due first, whatever came first.
func TestMostUrgentFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		anyConversation(tw)
		b := openBureau(t, rulesOf{"o": connected(6)}, tw)
		b.check("o", "first", schemas.Urgency_URGENCY_FOLLOW_UP, 1)
		synctest.Wait()
		b.check("o", "unspecified", schemas.Urgency_URGENCY_UNSPECIFIED, 1)
		b.check("o", "follow", schemas.Urgency_URGENCY_FOLLOW_UP, 1)
		b.check("o", "ahead", schemas.Urgency_URGENCY_LOOK_AHEAD, 1)
		b.check("o", "warning", schemas.Urgency_URGENCY_WARNING, 1)
		b.check("o", "breach-late", schemas.Urgency_URGENCY_BREACH, 2*time.Minute)
		b.check("o", "breach-soon", schemas.Urgency_URGENCY_BREACH, time.Minute)
		b.check("o", "action", schemas.Urgency_URGENCY_ACTION, 1)
		time.Sleep(3 * time.Minute)
		want := "first action breach-soon breach-late warning ahead follow unspecified"
		if got := strings.Join(b.order(), " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		for id, a := range b.results() {
			if a.result != "observed" || a.conversation != "conv-"+id {
				t.Errorf("%s: %+v", id, a)
			}
		}
	})
}

// A slow org, a dead one, one with a quota and one whose credentials are refused
// delay no other.
func TestNoOrgDelaysAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, quota, good := newTwin(), newTwin(), newTwin()
		dead.HandleFunc("GET /api/v2/conversations/{id}", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		quota.HandleFunc("GET /api/v2/conversations/{id}", status(429, "Retry-After", "7200"))
		anyConversation(good)
		hosts := byHost{"dead.example": dead, "quota.example": quota, "good.example": good, "wrong.example": good}
		at := func(host string, perMinute int) settings {
			s := connected(perMinute)
			s.Genesys.API = "https://" + host
			return s
		}
		rules := rulesOf{"dead": at("dead.example", 300), "quota": at("quota.example", 300), "slow": at("good.example", 5), "wrong": at("wrong.example", 300), "none": settings{}}
		rules["wrong"].Genesys.ClientSecret = "env:UNPARK_WRONG"
		for i := range 50 {
			rules[fmt.Sprint("good-", i)] = at("good.example", 300)
		}
		b := openBureau(t, rules, hosts)
		for i := range 40 {
			for _, org := range append(rules.Orgs(), "unknown") {
				b.check(org, fmt.Sprintf("%s/%d", org, i), schemas.Urgency_URGENCY_WARNING, 0)
			}
		}
		time.Sleep(6 * time.Minute)
		got := b.results()
		if len(got) != 40*56 {
			t.Errorf("%d answers, want one for each of %d", len(got), 40*56)
		}
		want := map[string]struct {
			result string
			within time.Duration
		}{
			"good":    {"observed", 10 * time.Second},
			"dead":    {ReasonTimeout, 2 * time.Minute},
			"quota":   {ReasonRateLimited, 2 * time.Second},
			"wrong":   {ReasonCredentials, 2 * time.Minute},
			"none":    {ReasonNoConnection, time.Second},
			"unknown": {ReasonNoConnection, time.Second},
		}
		slow := 0
		for id, a := range got {
			org, _, _ := strings.Cut(strings.Split(id, "/")[0], "-")
			if org == "slow" {
				if a.result == "observed" {
					slow++
				} else if a.result != ReasonTimeout || a.at > checkTimeout {
					t.Errorf("%s: %+v", id, a)
				}
				continue
			}
			if w := want[org]; a.result != w.result || a.at > w.within {
				t.Errorf("%s: %s after %v, want %s within %v", id, a.result, a.at, w.result, w.within)
			}
		}
		if slow < 15 || slow > 25 {
			t.Errorf("the slow org was looked at %d times in four and a half minutes", slow)
		}
	})
}

type byHost map[string]*twin

func (h byHost) RoundTrip(r *http.Request) (*http.Response, error) {
	return h[r.URL.Host].RoundTrip(r)
}

// A herd: what the rate does not allow to look at is said, the urgent looked at
// first; a minute of the good API is not refused.
func TestHerd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		anyConversation(tw)
		b := openBureau(t, rulesOf{"o": connected(300)}, tw)
		for i := range 5000 {
			u := schemas.Urgency_URGENCY_LOOK_AHEAD
			if i%10 == 0 {
				u = schemas.Urgency_URGENCY_BREACH
			}
			b.check("o", fmt.Sprintf("%v/%d", u, i), u, 0)
		}
		time.Sleep(2 * time.Minute)
		b.metrics.collectable(t)
		time.Sleep(4 * time.Minute)
		counts := map[string]int{}
		for id, a := range b.results() {
			kind, _, _ := strings.Cut(id, "/")
			counts[kind+" "+a.result]++
			if a.at > checkTimeout {
				t.Errorf("%s after %v: the processor waits for it no more", id, a.at)
			}
		}
		if counts["URGENCY_BREACH observed"] != 500 {
			t.Errorf("%v, want every breach looked at", counts)
		}
		if n := counts["URGENCY_LOOK_AHEAD observed"]; n < 700 || n+counts["URGENCY_LOOK_AHEAD timeout"] != 4500 {
			t.Errorf("%v", counts)
		}
	})
}

// collectable fails if the waiting requests of org o are not told.
func (m *metrics) collectable(t *testing.T) {
	t.Helper()
	if n := testutil.ToFloat64(m.waiting.WithLabelValues("o")); n < 3000 {
		t.Errorf("waiting %v", n)
	}
	if s := testutil.ToFloat64(m.oldest.WithLabelValues("o")); s < 60 {
		t.Errorf("oldest %v s", s)
	}
	if n := testutil.ToFloat64(m.calls.WithLabelValues("o", "200")); n < 500 {
		t.Errorf("calls %v", n)
	}
}

// A later check of a conversation takes the place of the one that waits; both are
// answered.
func TestSuperseded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		anyConversation(tw)
		b := openBureau(t, rulesOf{"o": connected(6)}, tw)
		b.check("o", "a", schemas.Urgency_URGENCY_WARNING, 0)
		synctest.Wait()
		for _, id := range []string{"1", "2"} {
			b.send(&schemas.GenesysRequest{Id: id, OrgId: "o", ConversationId: "same", Kind: &schemas.GenesysRequest_Check{Check: &schemas.Check{}}})
		}
		time.Sleep(time.Minute)
		got := b.results()
		if got["1"].result != ReasonTimeout || got["2"].result != "observed" {
			t.Errorf("%v", got)
		}
	})
}

// A request of an hour ago, from before a crash, is answered at once and costs no
// call.
func TestTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		anyConversation(tw)
		b := openBureau(t, rulesOf{"o": connected(300)}, tw)
		b.send(&schemas.GenesysRequest{Id: "old", OrgId: "o", ConversationId: "c", RequestedAtMs: time.Now().Add(-time.Hour).UnixMilli(),
			Kind: &schemas.GenesysRequest_Check{Check: &schemas.Check{}}})
		time.Sleep(2 * time.Second)
		if got := b.results()["old"]; got.result != ReasonTimeout || len(tw.calls) > 0 {
			t.Errorf("%+v after %v", got, tw.calls)
		}
	})
}

// Kafka may be away when the answer is there.
func TestAnswerIsRepeatedUntilTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		anyConversation(tw)
		b := openBureau(t, rulesOf{"o": connected(300)}, tw)
		b.refuse = 30
		b.check("o", "1", schemas.Urgency_URGENCY_WARNING, 0)
		time.Sleep(time.Minute)
		if got := b.results()["1"]; got.result != "observed" || got.at < 30*time.Second {
			t.Errorf("%+v", got)
		}
	})
}

// The API was down and is back: what comes then is looked at, with a connection
// that was mended meanwhile.
func TestTroubleEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		var down atomic.Bool
		down.Store(true)
		anyConversation(tw)
		gate := roundTripper(func(r *http.Request) (*http.Response, error) {
			if down.Load() {
				return nil, errors.New("connection refused")
			}
			return tw.RoundTrip(r)
		})
		var rules edited
		rules.Store(new(rulesOf{"o": connected(300)}))
		b := openBureau(t, &rules, gate)
		b.check("o", "1", schemas.Urgency_URGENCY_WARNING, 0)
		time.Sleep(time.Minute)
		down.Store(false)
		b.check("o", "2", schemas.Urgency_URGENCY_WARNING, 0)
		time.Sleep(time.Minute)
		wrong := connected(300)
		wrong.Genesys.ClientSecret = "env:UNPARK_WRONG"
		rules.Store(new(rulesOf{"o": wrong}))
		b.check("o", "3", schemas.Urgency_URGENCY_WARNING, 0)
		time.Sleep(2 * time.Minute)
		rules.Store(new(rulesOf{"o": connected(300)}))
		b.check("o", "4", schemas.Urgency_URGENCY_WARNING, 0)
		time.Sleep(time.Minute)
		got := b.results()
		for id, want := range map[string]string{"1": ReasonUnavailable, "2": "observed", "3": ReasonCredentials, "4": "observed"} {
			if got[id].result != want {
				t.Errorf("%s: %+v, want %s", id, got[id], want)
			}
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
