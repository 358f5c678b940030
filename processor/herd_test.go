package processor_test

import (
	"cmp"
	"container/heap"
	"fmt"
	"testing"

	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

// herd is a crowd of conversations that began in the same second, and a verifier
// that may look at five of them a second (300 a minute), the most urgent first.
type herd struct {
	t        *testing.T
	driver   *replay.Driver
	queue    requestQueue
	heard    int
	out      []stream.Output
	requests []*schemas.GenesysRequest
	raised   map[string]*schemas.Escalation
}

const herdSize = 5_000

// herdRules promise an answer within 3h30m; of a mail that is a breach.
const herdRules = `
id: acme
checks: true
policies:
  - name: mails
    match: {media: [email]}
    objectives:
      - {objective: reply, hours: always, tiers: [{at: 3h30m, kind: breach}]}
  - name: all
    objectives:
      - {objective: reply, hours: always, tiers: [{at: 3h30m, kind: warning}]}
`

// requestQueue orders requests by urgency, then as they came.
type requestQueue []*schemas.GenesysRequest

func (q requestQueue) Len() int      { return len(q) }
func (q requestQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q requestQueue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].Urgency, q[j].Urgency), cmp.Compare(q[i].RequestedAtMs, q[j].RequestedAtMs), cmp.Compare(q[i].Id, q[j].Id)) < 0
}
func (q *requestQueue) Push(r any) { *q = append(*q, r.(*schemas.GenesysRequest)) }
func (q *requestQueue) Pop() any {
	old := *q
	r := old[len(old)-1]
	*q = old[:len(old)-1]
	return r
}

func newHerd(t *testing.T) *herd {
	t.Helper()
	var s script
	if err := s.parseRules(herdRules); err != nil {
		t.Fatal(err)
	}
	configs, first := scriptConfigs(t, s)
	h := &herd{t: t, raised: map[string]*schemas.Escalation{}}
	var err error
	h.driver, err = replay.New(newHandler(t, configs), func(o stream.Output) error {
		h.out = append(h.out, o)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.driver.Close() })
	h.apply(activation(first))
	return h
}

func (h *herd) apply(in *schemas.InputRecord) {
	h.t.Helper()
	if err := h.driver.Apply(in); err != nil {
		h.t.Fatal(err)
	}
}

func herdID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

// begin starts the conversations, of some media in turn, all within the second after
// at.
func (h *herd) begin(at int64, media ...string) {
	h.t.Helper()
	for n := range herdSize {
		h.apply(&schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{
			OrgId: scriptOrg, ConversationId: herdID(n), Topic: customerStart, EventTimeMs: at + int64(n)%1000, SessionId: "s", MediaType: media[n%len(media)],
		}}})
	}
}

// second is a tick and what the verifier manages within a second of it.
func (h *herd) second(now int64, perSecond int) {
	h.t.Helper()
	if err := h.driver.Tick(now); err != nil {
		h.t.Fatal(err)
	}
	if err := h.driver.Commit(); err != nil {
		h.t.Fatal(err)
	}
	for ; h.heard < len(h.out); h.heard++ {
		if o := h.out[h.heard]; o.Topic.Suffix == schemas.GenesysRequests.Suffix {
			r := decodeRequest(h.t, o)
			h.requests = append(h.requests, r)
			heap.Push(&h.queue, r)
			continue
		}
		e := decode(h.t, h.out[h.heard].Value)
		if _, twice := h.raised[e.Conversation]; twice && e.Status == "raised" {
			h.t.Errorf("%s is raised twice", e.Conversation)
		}
		h.raised[e.Conversation] = e
	}
	for range min(perSecond, len(h.queue)) {
		r := heap.Pop(&h.queue).(*schemas.GenesysRequest)
		h.apply(&schemas.InputRecord{Kind: &schemas.InputRecord_ThreadObserved{ThreadObserved: &schemas.ThreadObserved{
			OrgId: r.OrgId, ConversationId: r.ConversationId, RequestId: r.Id, ObservedAtMs: now,
			Messages: []*schemas.ThreadMessage{{AtMs: nineOClock, By: schemas.Author_AUTHOR_CUSTOMER}},
		}}})
	}
}

// TestHerd: 5,000 customers wait since the same second, and so are due in the same
// one. The first looks are spread over lead, before due; everybody is told of once,
// not later than the checks may take, and asked for twice at most.
func TestHerd(t *testing.T) {
	h, verified := runHerd(t, "message")
	t.Logf("%v of %d verified at 300 looks a minute, with %d requests", verified, herdSize, len(h.requests))
	if verified["warning"] < herdSize*85/100 {
		t.Errorf("only %v of %d verified", verified, herdSize)
	}
}

// TestHerdBreachesFirst: if half of them are a breach, these are looked at first, and
// so all of them are verified.
func TestHerdBreachesFirst(t *testing.T) {
	h, verified := runHerd(t, "email", "message")
	t.Logf("%v of %d verified at 300 looks a minute, with %d requests", verified, herdSize, len(h.requests))
	if verified["breach"] < herdSize/2 || verified["warning"] < herdSize/4 {
		t.Errorf("only %v of %d verified", verified, herdSize)
	}
}

// runHerd returns how many were verified, by kind.
func runHerd(t *testing.T, media ...string) (h *herd, verified map[string]int) {
	t.Helper()
	const due, lead, timeout = nineOClock + 210*oneMinute, 10 * oneMinute, 5 * oneMinute
	h = newHerd(t)
	h.second(nineOClock, 0)
	h.begin(nineOClock, media...)
	for now := due - lead - oneMinute; now <= due+timeout+oneMinute; now += 1000 {
		h.second(now, 5)
	}
	minutes, ahead := [10]int{}, 0
	for _, r := range h.requests {
		if r.Urgency != schemas.Urgency_URGENCY_LOOK_AHEAD || r.RequestedAtMs >= r.DueMs+10_000 {
			continue
		}
		// A tick may come a second after what it handles.
		if r.RequestedAtMs < due-lead || r.RequestedAtMs > due+1000 {
			t.Fatalf("a look ahead of what is due %s at %s", schemas.Instant(r.DueMs), schemas.Instant(r.RequestedAtMs))
		}
		ahead++
		minutes[min((r.RequestedAtMs-due+lead)/oneMinute, 9)]++
	}
	// Whose instant comes within the last second may be due by the next tick.
	if ahead < herdSize*99/100 || ahead > herdSize {
		t.Errorf("%d looks ahead of %d", ahead, herdSize)
	}
	for i, n := range minutes {
		if n < herdSize/10*8/10 || n > herdSize/10*12/10 {
			t.Errorf("%d looks in minute %d of lead: not spread evenly, %v", n, i, minutes)
		}
	}
	verified = map[string]int{}
	for n := range herdSize {
		e := h.raised[herdID(n)]
		if e == nil {
			t.Fatalf("%s was never told", herdID(n))
		}
		if limit := int64(e.Due) + 10_000 + timeout + 3_000; int64(e.At) > limit {
			t.Errorf("%s is told %s, due %s", e.Conversation, e.At, e.Due)
		}
		if e.Verified {
			verified[e.Kind]++
		}
	}
	asked := map[string]int{}
	for _, r := range h.requests {
		if asked[r.ConversationId]++; asked[r.ConversationId] > 2 {
			t.Errorf("%s is asked for more than ahead and at its due", r.ConversationId)
		}
	}
	return h, verified
}
