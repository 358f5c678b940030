package bench

import (
	"fmt"
	"os"
	"testing"
	"time"

	"unpark/bench/loadgen"
)

// TestOpen measures the processor while UNPARK_BENCH_OPEN conversations are open
// ("100000 10000000": one after the other), over UNPARK_BENCH_EVENTS events that
// fall on them at random; skipped without the first. While the first of them come
// Pebble still puts in order what the restore has brought.
func TestOpen(t *testing.T) {
	if os.Getenv("UNPARK_BENCH_OPEN") == "" {
		t.Skip("UNPARK_BENCH_OPEN is not set")
	}
	events, runners := setting(t, "EVENTS", "2000000")[0], setting(t, "RUNNERS", "2")[0]
	fmt.Println("| conversations open | events/s | CPU µs/event | second half: events/s | CPU µs/event | peak MB | others, cores | s until the first commit |\n|---|---|---|---|---|---|---|---|")
	for _, open := range setting(t, "OPEN", "") {
		t.Run(fmt.Sprint(open), func(t *testing.T) {
			a := newCrowdArena(t, &loadgen.Crowd{Open: open, Events: events, Partitions: partitions, Seed: 1, End: time.Now()})
			before, begun := a.done(ourGroup), time.Now()
			c := a.ours(runners)
			c.await(before + 1)
			restored := time.Since(begun)
			f := c.measure(before + 1)
			c.stop()
			fmt.Printf("| %d | %.0f | %.1f | %.0f | %.1f | %d | %.2f | %.1f |\n", open, f.rate, f.cost, f.steadyRate, f.steadyCost, f.peakMB, f.others, restored.Seconds())
		})
	}
}
