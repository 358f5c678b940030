package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// TestDeadlines lets the warnings of UNPARK_BENCH_DEADLINES conversations fall due
// in one second that is past when they have been read, and measures how fast they
// are told, and how long events wait meanwhile. Without the variable it is skipped.
func TestDeadlines(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("UNPARK_BENCH_DEADLINES"))
	if err != nil {
		t.Skip("UNPARK_BENCH_DEADLINES is not set")
	}
	r := newRig(t, 2)
	r.settle()
	begin := time.Now().Add(-3*time.Hour - 31*time.Minute) // 3 h 30 min is the default policy's warning
	for i := range n {
		id := fmt.Sprintf("%08x-0000-4000-8000-%012x", i*2654435761&0xffffffff, i)
		r.cl.Produce(t.Context(), startEvent(t, id, begin.Add(time.Duration(i)*time.Second/time.Duration(n)).UnixMilli()), nil)
	}
	if err := r.cl.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, told := r.start(), schemas.Escalations.Name(prefix)
	waitFor(t, "the first escalation", func() bool { return r.ends(told) > 0 })
	begun, used := time.Now(), cpu(t, p.cmd.Process.Pid)
	first := r.ends(told)
	probe, profiled := r.probe(nil), profile(t, p.cmd.Process)
	waitFor(t, "all escalations", func() bool { return r.ends(told) >= int64(n) })
	took, spent := time.Since(begun), cpu(t, p.cmd.Process.Pid)-used
	profiled()
	waits := probe()
	rate := float64(int64(n)-first) / took.Seconds()
	fmt.Printf("deadlines: due=%d seconds=%.1f escalations/s=%.0f cpu_us/escalation=%.1f events meanwhile=%d p50_wait=%s p99_wait=%s max_wait=%s peak_rss_mb=%d\n",
		n, took.Seconds(), rate, spent/float64(int64(n)-first)*1e6,
		len(waits), waits[len(waits)/2], waits[len(waits)*99/100], waits[len(waits)-1], peakRSS(t, p.cmd.Process.Pid))
	record(t, atLeast(fmt.Sprintf("%d deadlines in one second, events still flowing", n), 50_000, rate, "escalations/s"))
}

// settle has a processor follow the configuration, which is judged by at its first
// ticks, and stops it.
func (r *rig) settle() {
	r.t.Helper()
	p := r.start()
	waitFor(r.t, "ticks in every partition", func() bool { return committed(r.t, r.cl) >= 2*partitions })
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.exited
}

// probe produces an event from time to time and waits until the processor has
// committed a state of it; stop returns how long that took each time, sorted. each,
// if set, sees what is committed to the changelog meanwhile.
func (r *rig) probe(each func(*kgo.Record)) (stop func() []time.Duration) {
	ctx, cancel := context.WithCancel(r.t.Context())
	var (
		mu    sync.Mutex
		sent  = make(map[string]time.Time)
		waits []time.Duration
		done  sync.WaitGroup
	)
	reader, err := kgo.NewClient(kgo.SeedBrokers(r.cl.OptValue(kgo.SeedBrokers).([]string)...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeTopics(schemas.SLAChangelog.Name(prefix)), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))
	if err != nil {
		r.t.Fatal(err)
	}
	done.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			id := fmt.Sprintf("probe-%d", i)
			mu.Lock()
			sent[string(schemas.ConversationKey(org, id))] = time.Now()
			mu.Unlock()
			r.cl.Produce(ctx, startEvent(r.t, id, time.Now().UnixMilli()), nil)
			<-tick.C
		}
	})
	done.Go(func() {
		for ctx.Err() == nil {
			fetches := reader.PollFetches(ctx)
			mu.Lock()
			fetches.EachRecord(func(rec *kgo.Record) {
				if each != nil {
					each(rec)
				}
				if at, ok := sent[string(rec.Key)]; ok {
					waits = append(waits, time.Since(at).Round(time.Millisecond))
					delete(sent, string(rec.Key))
				}
			})
			mu.Unlock()
		}
	})
	return func() []time.Duration {
		cancel()
		done.Wait()
		reader.Close()
		slices.Sort(waits)
		if len(waits) == 0 {
			r.t.Fatal("no event was applied meanwhile")
		}
		return waits
	}
}
