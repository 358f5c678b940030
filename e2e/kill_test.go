package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/internal/localtest"
	"unpark/schemas"
)

// killPoint is a place in the life of a transaction or a restore at which a
// process is killed; processor/stream/crash_on.go says where each is.
type killPoint struct {
	name string
	// most is how often the process passes it before it dies, at most.
	most int
	// prepare is done before each start.
	prepare func(d *deployment, dir string)
	// restores in full are what the point is about.
	restores bool
}

var killPoints = []killPoint{
	{name: "after-begin", most: 4},
	{name: "mid-produce", most: 300},
	{name: "after-flush", most: 4},
	{name: "after-offsets", most: 4},
	{name: "after-endtxn-sent", most: 4},
	{name: "after-commit", most: 4},
	{name: "mid-apply", most: 8},
	{name: "after-apply", most: 8},
	{name: "mid-restore", most: 2, prepare: loseLocalState},
	{name: "mid-excise", most: 4, prepare: distrustLocalState, restores: true},
	{name: "after-excise", most: 1, prepare: distrustLocalState, restores: true},
}

// loseLocalState takes the disk away: the state comes back from the changelog.
func loseLocalState(d *deployment, dir string) {
	if err := os.RemoveAll(filepath.Join(dir, "data")); err != nil {
		d.t.Fatal(err)
	}
}

// distrustLocalState lets tombstones live so shortly that any local state is too
// old to be built upon. Before that, what the last kill dropped is restored.
func distrustLocalState(d *deployment, dir string) {
	d.runFolder("restored", dir, "processor").ready().stop()
	setTopic(d, "sla-changelog", "delete.retention.ms", "1")
}

func client(t *testing.T, broker string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(strings.Split(broker, ",")...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// TestKillMatrix kills a real process (SIGKILL) at every point, again and again
// under load, and lets `unpark verify` say whether anything is missing, doubled
// or otherwise. UNPARK_KILL_TRIES sets how often each point is tried.
func TestKillMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: needs a Kafka and processes")
	}
	for _, p := range killPoints {
		t.Run(p.name, func(t *testing.T) {
			report(t, killSection, p.name, tries(t), killAndVerify(t, localtest.SharedKafka(t), p, tries(t)))
		})
	}
}

// TestKillMatrixOnThreeBrokers does the same where topics have three replicas, of
// which two must be in sync: a commit is acknowledged later, and by more.
func TestKillMatrixOnThreeBrokers(t *testing.T) {
	long(t)
	brokers := addresses(startCluster(t, 3))
	for _, p := range killPoints {
		t.Run(p.name, func(t *testing.T) {
			report(t, killSection, p.name+", three brokers", tries(t), killAndVerify(t, brokers, p, tries(t)))
		})
	}
}

// killAndVerify returns what verify said in the end.
func killAndVerify(t *testing.T, broker string, p killPoint, tries int) string {
	d := deploy(t, broker, "")
	dir := d.folder("victim")
	load := startLoad(t, d)
	if p.prepare != nil {
		warmUp(t, d, dir)
	}
	logs := filepath.Join(t.TempDir(), "victims.log")
	for try := range tries {
		if p.prepare != nil {
			p.prepare(d, dir)
		}
		killOnce(t, d, dir, logs, fmt.Sprintf("%s:%d", p.name, 1+rand.IntN(p.most)), try)
	}
	load.stop()
	survivor := d.runFolder("victim", dir, "processor").ready()
	told := follow(d, "escalations")
	eventually(t, time.Minute, "every conversation is told of, once at each tier", func() error { return load.told(told) })
	survivor.stop()
	if text, err := os.ReadFile(logs); err != nil || strings.Contains(string(text), "restoring in full") != p.restores {
		t.Errorf("restored in full: %v, want %v (%v)", !p.restores, p.restores, err)
	}
	return strings.TrimSpace(d.unpark("verify", "--config", dir))
}

// warmUp lets the processor run until there is a changelog worth restoring.
func warmUp(t *testing.T, d *deployment, dir string) {
	t.Helper()
	told := follow(d, "escalations")
	p := d.runFolder("warm-up", dir, "processor").ready()
	eventually(t, time.Minute, "a changelog", func() error {
		if n := told.count(); n < 200 {
			return fmt.Errorf("%d escalations", n)
		}
		return nil
	})
	p.stop()
}

// killOnce starts the processor and waits until it has killed itself.
func killOnce(t *testing.T, d *deployment, dir, logs, at string, try int) {
	t.Helper()
	log, err := os.OpenFile(logs, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(crashing(t), "run", "--config", dir, "--roles", "processor")
	env := map[string]string{"UNPARK_CRASH": at}
	maps.Copy(env, d.env)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(t, env), log, log
	exited, err := localtest.Spawn(cmd)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-exited:
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		<-exited
		t.Fatalf("try %d: the process did not come to %s within a minute", try, at)
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		text, _ := os.ReadFile(logs)
		t.Fatalf("try %d: the process ended by itself: %v\n%s", try, cmd.ProcessState, text[max(0, len(text)-2000):])
	}
}

var buildCrashing = sync.OnceValues(func() (string, error) {
	plain, err := build()
	if err != nil {
		return "", err
	}
	path := plain + "-crashing"
	if out, err := exec.Command("go", "build", "-tags", "crashpoints", "-o", path, "unpark/cmd/unpark").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// crashing returns unpark with crash points.
func crashing(t *testing.T) string {
	t.Helper()
	path, err := buildCrashing()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// load is a stream of conversations that began five hours ago and that nobody
// answers: each is warned of and breached, once.
type load struct {
	t      *testing.T
	d      *deployment
	client *kgo.Client
	cancel context.CancelFunc
	done   chan struct{}
	each   int // how many conversations begin at a time
	sent   int
	open   time.Duration // how long a conversation stays open; 0: for ever
	ended  int
}

// endAfter has the load's conversations end, so long after they came.
func endAfter(d time.Duration) func(*load) { return func(l *load) { l.open = d } }

// each has so many conversations begin every loadEvery.
func each(n int) func(*load) { return func(l *load) { l.each = n } }

const loadEvery, loadEach = 50 * time.Millisecond, 10

func startLoad(t *testing.T, d *deployment, opts ...func(*load)) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{t: t, d: d, client: client(t, d.broker), cancel: cancel, done: make(chan struct{}), each: loadEach}
	for _, o := range opts {
		o(l)
	}
	go func() {
		defer close(l.done)
		tick := time.NewTicker(loadEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.send(ctx)
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(l.stop)
	return l
}

func (l *load) stop() {
	l.cancel()
	<-l.done
}

func (l *load) send(ctx context.Context) {
	var records []*kgo.Record
	for range l.each {
		records = append(records, l.event(l.sent, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, time.Now().Add(-5*time.Hour)))
		l.sent++
	}
	for behind := int(l.open/loadEvery) * l.each; l.open > 0 && l.ended < l.sent-behind; l.ended++ {
		records = append(records, l.event(l.ended, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END, time.Now()))
	}
	if err := l.client.ProduceSync(context.WithoutCancel(ctx), records...).FirstErr(); err != nil {
		l.t.Error(err)
	}
}

// event is one of the n-th conversation.
func (l *load) event(n int, topic schemas.EventTopic, at time.Time) *kgo.Record {
	id := fmt.Sprintf("c-%d", n)
	value, err := (&schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{
		OrgId: orgs[n%len(orgs)], ConversationId: id, Topic: topic, SessionId: "s-" + id,
		EventTimeMs: at.UnixMilli(), MediaType: "message", MessageType: "whatsapp", Direction: "inbound",
	}}}).MarshalVT()
	if err != nil {
		l.t.Error(err)
	}
	return &kgo.Record{Topic: l.d.topic("conversation-events"), Key: []byte(id), Value: value}
}

// told says whether the escalations hold two records for each conversation.
func (l *load) told(f *follower) error {
	if got, want := f.count(), 2*l.sent; got != want {
		return fmt.Errorf("%d escalations, want %d", got, want)
	}
	return nil
}
