package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/internal/localtest"
	"unpark/schemas"
)

const (
	prefix     = "bench."
	partitions = 4
	org        = "32aa07aa-0000-4000-8000-9483601ec29d"
	// eventsEach is the number of events of a conversation; openAtOnce how many of
	// them are open at a time.
	eventsEach = 8
	openAtOnce = 100_000
)

// TestProcessor fills the input topic with UNPARK_BENCH_EVENTS events and measures
// how long `unpark run --roles processor` takes to read and commit them all, and
// what it costs. Without the variable it is skipped.
func TestProcessor(t *testing.T) {
	events, err := strconv.Atoi(os.Getenv("UNPARK_BENCH_EVENTS"))
	if err != nil {
		t.Skip("UNPARK_BENCH_EVENTS is not set")
	}
	runners := 1
	if s := os.Getenv("UNPARK_BENCH_RUNNERS"); s != "" {
		if runners, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	broker := localtest.Kafka(t)
	dir := t.TempDir()
	binary, config := build(t, dir), configure(t, dir, broker, runners)
	run(t, binary, "topics", "create", "--config", config)
	run(t, binary, "config", "apply", "--config", config)
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	fill(t, cl, events)

	cmd := exec.Command(binary, "run", "--config", config, "--roles", "processor", "--log-level", "warn")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	exited, err := localtest.Spawn(cmd)
	if err != nil {
		t.Fatal(err)
	}
	begun, half := firstCommit(t, cl), time.Time{}
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	cpu0, cpuHalf := cpu(t, cmd.Process.Pid), 0.0
	for {
		n := committed(t, cl)
		if half.IsZero() && n >= int64(events/2) {
			half, cpuHalf = time.Now(), cpu(t, cmd.Process.Pid)
		}
		if n >= int64(events) {
			break
		}
		<-poll.C
	}
	took, used := time.Since(begun), cpu(t, cmd.Process.Pid)
	fmt.Printf("events=%d runners=%d seconds=%.1f events/s=%.0f cpu_us/event=%.1f steady_events/s=%.0f steady_cpu_us/event=%.1f peak_rss_mb=%d\n",
		events, runners, took.Seconds(), float64(events)/took.Seconds(), (used-cpu0)/float64(events)*1e6,
		float64(events/2)/time.Since(half).Seconds(), (used-cpuHalf)/float64(events/2)*1e6, peakRSS(t, cmd.Process.Pid))
	_ = cmd.Process.Signal(syscall.SIGTERM)
	<-exited
}

func build(t *testing.T, dir string) string {
	t.Helper()
	binary := filepath.Join(dir, "unpark")
	if out, err := exec.Command("go", "build", "-o", binary, "unpark/cmd/unpark").CombinedOutput(); err != nil {
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

// fill writes conversations of eventsEach events, interleaved, so that openAtOnce
// of them are open at a time. Their times are those of the last hour: nothing
// falls due.
func fill(t *testing.T, cl *kgo.Client, events int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	topics := []schemas.EventTopic{
		schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_ACD_START, schemas.EventTopic_EVENT_TOPIC_USER_START,
		schemas.EventTopic_EVENT_TOPIC_ACD_END, schemas.EventTopic_EVENT_TOPIC_CONTACT, schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES,
		schemas.EventTopic_EVENT_TOPIC_USER_END, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END,
	}
	sessions := []string{"c", "q", "u", "q", "c", "", "u", "c"}
	open := make([]int, min(openAtOnce, events/eventsEach)) // conversation<<3 | next event
	next := 0
	for i := range open {
		open[i] = next << 3
		next++
	}
	begin := time.Now().Add(-time.Hour).UnixMilli()
	for i := range events {
		slot := rng.IntN(len(open))
		c, step := open[slot]>>3, open[slot]&7
		if step == eventsEach-1 {
			open[slot] = next << 3
			next++
		} else {
			open[slot]++
		}
		id := fmt.Sprintf("%08x-0000-4000-8000-%012x", c, c)
		e := &schemas.ConversationEvent{
			OrgId: org, ConversationId: id, Topic: topics[step], EventTimeMs: begin + int64(i)*3600_000/int64(events), ParticipantId: id + "-p",
			MediaType: "message", MessageType: "whatsapp", Direction: "inbound", QueueId: "b15b0736-0000-4000-8000-6018f0c22fa7",
			UserId: "7272d362-0000-4000-8000-dc7b7683153a", DivisionId: "0f1e0000-0000-4000-8000-000000000000",
		}
		if sessions[step] != "" {
			e.SessionId = sessions[step] + id[1:]
		}
		value, err := (&schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: e}}).MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		cl.Produce(t.Context(), &kgo.Record{Topic: schemas.ConversationEvents.Name(prefix), Key: []byte(id), Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := cl.Flush(t.Context()); err != nil {
		t.Fatal(err)
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

// firstCommit waits until the processor has begun: start-up is not measured.
func firstCommit(t *testing.T, cl *kgo.Client) time.Time {
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for committed(t, cl) == 0 {
		<-poll.C
	}
	return time.Now()
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
