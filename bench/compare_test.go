package bench

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"unpark/internal/localtest"
)

// TestCompare has the processor and its Kafka Streams peer work the same log, in
// turn, measures both, and writes the report that UNPARK_BENCH_REPORT names;
// skipped without. UNPARK_BENCH_EVENTS, _ROUNDS and _THREADS ("1 2") say how much.
func TestCompare(t *testing.T) {
	file := os.Getenv("UNPARK_BENCH_REPORT")
	if file == "" {
		t.Skip("UNPARK_BENCH_REPORT is not set")
	}
	events, rounds := setting(t, "EVENTS", "2000000")[0], setting(t, "ROUNDS", "2")[0]
	threads := setting(t, "THREADS", "1 2")
	a := newArena(t, day(events), []string{"-Xms2g", "-Xmx2g", "-XX:+UseParallelGC"}, localtest.BenchJVM())
	r := report{arena: a, command: command(events, rounds, threads)}
	for round := range rounds {
		for _, n := range threads {
			contenders := []func(int) *contender{a.ours, a.peer, a.even}
			if round%2 == 1 {
				slices.Reverse(contenders)
			}
			for _, start := range contenders {
				r.add(round+1, start(n))
			}
		}
	}
	record(t, r.aims()...)
	if err := os.WriteFile(file, []byte(r.text()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// add measures a contender and holds what it tells against what the first told.
func (r *report) add(round int, c *contender) {
	t := r.arena.t
	t.Helper()
	f := c.measure(0)
	told := c.stop()
	if r.told == nil {
		r.told = told
	}
	what := fmt.Sprintf("%s, %d threads, round %d", c.name, c.threads, round)
	same(t, what+" against the first run", r.told, told)
	f.round, f.told = round, told.size()
	r.runs = append(r.runs, f)
	fmt.Printf("%s: %.1f s, %.0f events/s, %.1f us an event, steady %.1f, broker %.1f, others %.2f cores, %d MB, %d escalations\n",
		what, f.seconds, f.rate, f.cost, f.steadyCost, f.broker, f.others, f.peakMB, f.told)
}

// setting is UNPARK_BENCH_name: numbers above 0.
func setting(t *testing.T, name, otherwise string) (list []int) {
	t.Helper()
	text := os.Getenv("UNPARK_BENCH_" + name)
	if text == "" {
		text = otherwise
	}
	for field := range strings.FieldsSeq(text) {
		n, err := strconv.Atoi(field)
		if err != nil || n <= 0 {
			t.Fatalf("UNPARK_BENCH_%s=%q: want numbers above 0", name, text)
		}
		list = append(list, n)
	}
	if len(list) == 0 {
		t.Fatalf("UNPARK_BENCH_%s is empty", name)
	}
	return list
}

func command(events, rounds int, threads []int) string {
	return fmt.Sprintf("make bench EVENTS=%d ROUNDS=%d THREADS=%q", events, rounds, strings.Trim(fmt.Sprint(threads), "[]"))
}
