package bench

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/bench/loadgen"
	"unpark/schemas"
)

const (
	warning = 3*time.Hour + 30*time.Minute // the first tier of the policy
	grace   = 10 * time.Second             // as by default
	// strangers is how many events there are for one that makes a warning due.
	strangers = 100
)

// TestLateness measures by the wall clock how late warnings are while
// UNPARK_BENCH_RATE events a second fall on UNPARK_BENCH_OPEN open conversations:
// from due and grace, when a tier may be raised at the earliest, to when a reader
// of committed records has it. It lasts UNPARK_BENCH_SECONDS; skipped without a
// rate.
func TestLateness(t *testing.T) {
	if os.Getenv("UNPARK_BENCH_RATE") == "" {
		t.Skip("UNPARK_BENCH_RATE is not set")
	}
	rate, open := setting(t, "RATE", "")[0], setting(t, "OPEN", "100000")[0]
	lasts := time.Duration(setting(t, "SECONDS", "60")[0]) * time.Second
	crowd := &loadgen.Crowd{Open: open, Events: 1, Partitions: partitions, Seed: 1, End: time.Now(), Scattered: true}
	a := newCrowdArena(t, crowd)
	a.fill(crowd)
	c := a.ours(setting(t, "RUNNERS", "2")[0])
	c.follow(100*time.Millisecond, func(int64) {})

	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	lateness := make(chan []time.Duration)
	go func() { lateness <- a.listen(ctx) }()
	sent := a.live(ctx, crowd, rate)
	late := <-lateness
	if len(late) == 0 {
		t.Fatalf("nothing was told\n%s", c.tail())
	}
	slices.SortFunc(late, cmp.Compare)
	at := func(share float64) time.Duration {
		return late[int(share*float64(len(late)-1))].Round(time.Millisecond)
	}
	fmt.Printf("| conversations open | events/s | warnings | p50 | p99 | max |\n|---|---|---|---|---|---|\n| %d | %.0f | %d | %v | %v | %v |\n",
		open, float64(sent)/lasts.Seconds(), len(late), at(0.5), at(0.99), at(1))
	record(t, atMost(fmt.Sprintf("lateness behind due and grace, %d events/s, %d conversations open, 99 of 100", rate, open), 1.15, at(0.99).Seconds(), "s"))
	c.stop()
}

// live appends events at a rate, as producers do, and returns how many: among
// them starts of so long ago that a warning may be told a few seconds later.
func (a *arena) live(ctx context.Context, crowd *loadgen.Crowd, rate int) (sent int) {
	const slice = 20 * time.Millisecond
	pace := time.NewTicker(slice)
	defer pace.Stop()
	begun := time.Now()
	for {
		for due := int(time.Since(begun).Seconds() * float64(rate)); sent < due; sent++ {
			now := time.Now()
			e := crowd.Event(now.UnixMilli())
			if sent%strangers == 0 {
				ago := warning + grace - time.Second - time.Duration(sent/strangers%4000)*time.Millisecond
				e = crowd.Stranger(now.Add(-ago).UnixMilli())
			}
			value, err := loadgen.Encode(e)
			a.must(err)
			a.cl.Produce(ctx, &kgo.Record{Topic: input(), Key: []byte(e.ConversationId), Value: value}, nil)
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return sent
		}
	}
}

// listen reads escalations as they are committed and returns how late they come.
func (a *arena) listen(ctx context.Context) (late []time.Duration) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(a.broker.Addr), kgo.ConsumeTopics(schemas.Escalations.Name(prefix)),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		a.t.Error(err)
		return nil
	}
	defer cl.Close()
	for ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		now := time.Now()
		fetches.EachRecord(func(r *kgo.Record) {
			e, err := schemas.DecodeEscalation(r.Value)
			if err != nil {
				a.t.Error(err)
				return
			}
			if e.Status == "raised" && e.Kind == "warning" {
				late = append(late, now.Sub(e.Due.Time().Add(grace)))
			}
		})
	}
	return late
}
