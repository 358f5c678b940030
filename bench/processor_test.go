package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/internal/localtest"
)

const (
	prefix     = "bench."
	partitions = 4
	org        = "32aa07aa-0000-4000-8000-9483601ec29d"
)

// TestProcessor measures the processor alone on the log of TestCompare with
// UNPARK_BENCH_PROCESSOR events; skipped without.
func TestProcessor(t *testing.T) {
	if os.Getenv("UNPARK_BENCH_PROCESSOR") == "" {
		t.Skip("UNPARK_BENCH_PROCESSOR is not set")
	}
	a := newArena(t, day(setting(t, "PROCESSOR", "")[0]), nil, localtest.BenchJVM())
	for _, runners := range setting(t, "RUNNERS", "1") {
		c := a.ours(runners)
		f := c.measure(0)
		f.told = c.stop().size()
		fmt.Printf("events=%d runners=%d seconds=%.1f events/s=%.0f cpu_us/event=%.1f steady_events/s=%.0f steady_cpu_us/event=%.1f broker_us/event=%.1f others_cores=%.2f peak_rss_mb=%d escalations=%d\n",
			a.events, runners, f.seconds, f.rate, f.cost, f.steadyRate, f.steadyCost, f.broker, f.others, f.peakMB, f.told)
	}
}

func build(t *testing.T, dir string) string {
	t.Helper()
	binary := filepath.Join(dir, "unpark")
	if out, err := exec.Command("go", slices.Concat([]string{"build", "-o", binary}, buildFlags(t), []string{"unpark/cmd/unpark"})...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

func configure(t *testing.T, dir, broker string, runners int) string {
	t.Helper()
	files := map[string]string{
		"unpark.yaml": fmt.Sprintf("kafka: {brokers: [\"%s\"]}\ntopics: {prefix: %s, partitions: %d, replication: 1}\nprocessor: {instance: bench, runners: %d, data_dir: %s}\nhttp: {listen: \"127.0.0.1:0\"}\n",
			broker, prefix, partitions, runners, filepath.Join(dir, "data")),
		"orgs/org.yaml": "id: " + org + "\nroutes: {default: [{terminal: {}}]}\n",
	}
	for name, text := range files {
		file := filepath.Join(dir, "config", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "config")
}

func run(t *testing.T, binary string, args ...string) {
	t.Helper()
	if out, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
		t.Fatalf("unpark %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// committed is how many records the processor's group has committed.
func committed(t *testing.T, cl *kgo.Client) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	offsets, err := kadm.NewClient(cl).FetchOffsets(ctx, strings.TrimRight(prefix, ".")+"-processor")
	if err != nil {
		return 0 // the group has no coordinator yet
	}
	sum := int64(0)
	offsets.Each(func(o kadm.OffsetResponse) { sum += max(o.At, 0) })
	return sum
}

// cpu is the seconds of processor time that a process has used.
func cpu(t *testing.T, pid int) float64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	const ticksPerSecond = 100
	return (user + system) / ticksPerSecond
}

func peakRSS(t *testing.T, pid int) int { return memory(t, pid, "VmHWM:") }

// memory is a line of the process's status, in MB.
func memory(t *testing.T, pid int, name string) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kb / 1024
		}
	}
	return 0
}
