package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// orgFile is an org that counts in office hours; %s is where the closing time of
// Sundays stands.
const orgFile = `id: ` + org + `
timezone: UTC
policies:
  - name: all
    objectives:
      - {objective: reply, hours: office, tiers: [{at: 40h, kind: warning, notify: [default]}, {at: 44h, kind: breach, notify: [default]}]}
calendars:
  office:
    timezone: UTC
    weekly: {mon: ["00:00-24:00"], tue: ["00:00-24:00"], wed: ["00:00-24:00"], thu: ["00:00-24:00"], fri: ["00:00-24:00"], sat: ["00:00-24:00"], sun: ["00:00-%s"]}
routes: {default: [{terminal: {}}]}
`

// TestEdit edits the calendar under UNPARK_BENCH_EDIT open conversations of one org
// while UNPARK_BENCH_RATE events a second fall on them, and measures how long events
// wait to be committed: before the edit for UNPARK_BENCH_SECONDS, and from then on until
// all conversations have been judged again. Without the first it is skipped.
func TestEdit(t *testing.T) {
	if os.Getenv("UNPARK_BENCH_EDIT") == "" {
		t.Skip("UNPARK_BENCH_EDIT is not set")
	}
	open, rate := setting(t, "EDIT", "")[0], setting(t, "RATE", "1000")[0]
	before := time.Duration(setting(t, "SECONDS", "20")[0]) * time.Second
	r := newRig(t, 2)
	r.closeSundays("23:00")
	begin := time.Now().Add(-time.Hour).UnixMilli()
	for i := range open {
		r.cl.Produce(t.Context(), startEvent(t, crowdID(i), begin), nil)
	}
	if err := r.cl.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := r.start()
	waitFor(t, "the crowd", func() bool { return committed(t, r.cl) >= int64(open) })

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go r.onCrowd(ctx, open, rate)
	pause(ctx, 5*time.Second) // what was put off while reading is done
	probe, used := r.probe(nil), cpu(t, p.cmd.Process.Pid)
	pause(ctx, before)
	plain := probe()
	idle := (cpu(t, p.cmd.Process.Pid) - used) / before.Seconds()

	var judged atomic.Int64 // partitions
	probe = r.probe(func(rec *kgo.Record) {
		if string(rec.Key) == string(schemas.OrgKey(org)) {
			judged.Add(doneJudging(t, rec.Value))
		}
	})
	begun, used := time.Now(), cpu(t, p.cmd.Process.Pid)
	r.closeSundays("22:00")
	waitFor(t, "all to be judged again", func() bool { return judged.Load() == partitions })
	took := time.Since(begun)
	edited := probe()
	busy := (cpu(t, p.cmd.Process.Pid) - used) / took.Seconds()
	fmt.Printf("| | seconds | events waited for | p50 | p99 | max | cores |\n|---|---|---|---|---|---|---|\n")
	for _, row := range []struct {
		name  string
		took  time.Duration
		waits []time.Duration
		cores float64
	}{{"before", before, plain, idle}, {"edited", took, edited, busy}} {
		w := row.waits
		fmt.Printf("| %s | %.1f | %d | %v | %v | %v | %.2f |\n", row.name, row.took.Seconds(), len(w), w[len(w)/2], w[len(w)*99/100], w[len(w)-1], row.cores)
	}
	fmt.Printf("open=%d rate=%d p99 ratio=%.2f\n", open, rate, float64(edited[len(edited)*99/100])/float64(plain[len(plain)*99/100]))
}

// doneJudging is 1 for the state of an org whose conversations have been judged
// again.
func doneJudging(t *testing.T, value []byte) int64 {
	st := &schemas.OrgState{}
	if err := st.UnmarshalVT(value); err != nil {
		t.Error(err)
	}
	if st.RejudgeFrom != nil {
		return 0
	}
	return 1
}

func crowdID(i int) string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(i)*2654435761, i)
}

// closeSundays applies the org's configuration with a closing time of Sundays.
func (r *rig) closeSundays(at string) {
	r.t.Helper()
	file := filepath.Join(r.config, "orgs", "org.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, orgFile, at), 0o644); err != nil {
		r.t.Fatal(err)
	}
	run(r.t, r.binary, "config", "apply", "--config", r.config)
}

// onCrowd appends events of open conversations at a rate: each is put in a queue.
func (r *rig) onCrowd(ctx context.Context, open, rate int) {
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	rng, begun := rand.New(rand.NewPCG(1, 1)), time.Now()
	for sent := 0; ; {
		for due := int(time.Since(begun).Seconds() * float64(rate)); sent < due; sent++ {
			id := crowdID(rng.IntN(open))
			value, err := (&schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{
				OrgId: org, ConversationId: id, Topic: schemas.EventTopic_EVENT_TOPIC_ACD_START, SessionId: "q" + id,
				EventTimeMs: time.Now().UnixMilli(), MediaType: "message", MessageType: "whatsapp", Direction: "inbound", QueueId: "q",
			}}}).MarshalVT()
			if err != nil {
				r.t.Error(err)
				return
			}
			r.cl.TryProduce(ctx, &kgo.Record{Topic: schemas.ConversationEvents.Name(prefix), Key: []byte(id), Value: value}, nil)
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
