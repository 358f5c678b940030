package bench

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"unpark/bench/loadgen"
)

// TestOpen measures the processor while UNPARK_BENCH_OPEN conversations are open
// ("100000 10000000": one after the other), over UNPARK_BENCH_EVENTS events that
// fall on them: first as conversations live, then each on any of them. The
// conversations are restored first, and Pebble puts in order what that has brought; the
// ticks of that time are ahead of those in the log, which move no time then. Skipped
// without the first variable.
func TestOpen(t *testing.T) {
	if os.Getenv("UNPARK_BENCH_OPEN") == "" {
		t.Skip("UNPARK_BENCH_OPEN is not set")
	}
	events, runners := setting(t, "EVENTS", "2000000")[0], setting(t, "RUNNERS", "2")[0]
	fmt.Println("| conversations open | events fall | events/s | CPU µs/event | second half: events/s | CPU µs/event | peak MB | others, cores | s to restore | peak MB | s to merge |\n|---|---|---|---|---|---|---|---|---|---|---|")
	for _, scattered := range []bool{false, true} {
		fall := "as conversations live"
		if scattered {
			fall = "each on any"
		}
		var all []crowded
		for _, open := range setting(t, "OPEN", "") {
			crowd := &loadgen.Crowd{Open: open, Events: events, Partitions: partitions, Seed: 1, End: time.Now(), Scattered: scattered}
			t.Run(fmt.Sprint(open, " ", fall), func(t *testing.T) {
				a := newCrowdArena(t, crowd)
				config := a.configure(runners)
				restore := a.processor(runners, config, "info")
				restored, merging := restore.settle(open)
				peak := peakRSS(t, restore.cmd.Process.Pid)
				restore.end()
				a.fill(crowd)
				before := a.done(ourGroup)
				c := a.processor(runners, config, "warn")
				f := c.measure(before + 1)
				c.stop()
				fmt.Printf("| %d | %s | %.0f | %.1f | %.0f | %.1f | %d | %.2f | %.1f | %d | %.1f |\n", open, fall, f.rate, f.cost, f.steadyRate, f.steadyCost,
					f.peakMB, f.others, restored.Seconds(), peak, merging.Seconds())
				all = append(all, crowded{open, f.rate, max(f.peakMB, peak)})
			})
		}
		if len(all) > 1 {
			few, many := all[0], all[len(all)-1]
			record(t,
				atLeast(fmt.Sprintf("%d conversations open, events %s: events/s", many.open, fall), 0.6, many.rate/few.rate, fmt.Sprintf("of those with %d", few.open)),
				atMost("the same: peak memory, the restore included", 1500, float64(many.peakMB), "MB"),
			)
		}
	}
}

// crowded is what was measured with that many conversations open.
type crowded struct {
	open   int
	rate   float64
	peakMB int
}

// merged is how long Pebble must have merged nothing for there to be nothing left.
const merged = 5 * time.Second

// scrapes is how often the process is asked meanwhile.
const scrapes = 250 * time.Millisecond

// settle waits until that many states have been restored and Pebble has merged what
// there is to merge, and tells how long each took.
func (c *contender) settle(states int) (restore, merge time.Duration) {
	c.a.t.Helper()
	begun := time.Now()
	waitEvery(c.a.t, scrapes, "the states", func() bool { return c.metric("unpark_stream_restored_records_total") >= float64(states) })
	restored := time.Now()
	since := restored
	waitEvery(c.a.t, scrapes, "merged tables", func() bool {
		if c.metric("unpark_store_compactions_running") > 0 {
			since = time.Now()
		}
		return time.Since(since) > merged
	})
	return restored.Sub(begun), since.Sub(restored)
}

var httpAddress = regexp.MustCompile(` component=http address=(\S+)`)

// metric is the value of a metric without labels, 0 before it can be had.
func (c *contender) metric(name string) float64 {
	c.a.t.Helper()
	log, err := os.ReadFile(c.log)
	c.a.must(err)
	address := httpAddress.FindSubmatch(log)
	if address == nil {
		return 0
	}
	resp, err := http.Get("http://" + string(address[1]) + "/metrics")
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	c.a.must(err)
	value := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(body)
	if value == nil {
		return 0
	}
	f, err := strconv.ParseFloat(string(value[1]), 64)
	c.a.must(err)
	return f
}
