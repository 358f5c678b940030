package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/internal/localtest"
)

const (
	chaosDestinations = 20
	chaosToken        = "T0K3N-that-nobody-may-see"
	chaosRate         = 100             // escalations a second
	chaosLate         = 2 * time.Second // for 99 of 100 alerts, in full
)

// TestNotifierChaos tells escalations to twenty destinations of which five fail,
// each in its own way, while the notifier is killed again and again. The healthy
// ones get each alert once, in the order of its conversation. A kill between an
// answer and its record may double one message of a Slack channel; webhooks know
// by its id what came twice. Once the failing ones are mended the others catch up. No token that was
// used is seen anywhere, not even in the stacks that a crash leaves. make chaos runs it in full, and
// 99 of 100 alerts come within two seconds then, kills or not.
func TestNotifierChaos(t *testing.T) {
	parallel(t)
	escalations, kills := 200, 2
	if os.Getenv("UNPARK_CHAOS") == "full" {
		escalations, kills = 10_000, 5
	}
	c := newChaos(t, escalations)
	for i := range kills {
		signal := syscall.SIGKILL
		if i == 0 {
			signal = syscall.SIGQUIT // leaves its stacks in the log, as a panic does
		}
		c.killAfter(c.expected()*(i+1)/(kills+1), signal)
	}
	c.complete("the healthy destinations have everything", c.healthy())
	c.noteCircuits()
	for _, d := range c.failing() {
		d.mend()
	}
	c.complete("the mended destinations catch up", c.failing())
	c.settled()
	for _, d := range c.destinations {
		d.verify(t, kills)
	}
	c.secrets()
	c.latencies()
}

// chaos is a notifier, its destinations and what they are to be told.
type chaos struct {
	t            *testing.T
	d            *deployment
	dir          string
	p            *process
	processes    []*process
	destinations []*destination
	ids          []string // of the escalations
	metrics      strings.Builder
}

func newChaos(t *testing.T, escalations int) *chaos {
	d := undeployed(t, localtest.SharedKafka(t), "")
	c := &chaos{t: t, d: d}
	modes := map[int]func(*destination, http.ResponseWriter, *http.Request){
		15: fail500, 16: rateLimited, 17: hangs, 18: nil, 19: drops,
	}
	var to []string
	for i := range chaosDestinations {
		fail, failing := modes[i]
		one := newDestination(t, i, fail, failing)
		c.destinations = append(c.destinations, one)
		name := fmt.Sprintf("UNPARK_CHAOS_%d", i)
		d.env[name] = "http://" + one.address + "/" + chaosToken
		form := `{webhook: {url: "env:%s"}}`
		if one.slack() {
			form = `{slack: {webhook: "env:%s"}, every: 0s}`
		}
		to = append(to, fmt.Sprintf(form, name))
	}
	c.dir = d.folder("notifier")
	d.edit(c.dir, "http: ", "notifier: {min_backoff: 100ms, max_backoff: 1s, attempt_timeout: 2s}\nhttp: ")
	d.write(filepath.Join(c.dir, "orgs", "org-1.yaml"), fmt.Sprintf("id: %s\ntimezone: UTC\nroutes:\n  default: {to: [%s], group: {above: 0}}\n", orgs[0], strings.Join(to, ", ")))
	d.unpark("topics", "create", "--config", c.dir)
	d.unpark("config", "apply", "--config", c.dir)
	c.start()
	c.produce(escalations)
	return c
}

func (c *chaos) start() {
	c.p = c.d.runFolder(fmt.Sprintf("notifier-%d", len(c.processes)), c.dir, "notifier")
	c.processes = append(c.processes, c.p)
}

// produce writes escalations, two a conversation, from a goroutine of its own.
func (c *chaos) produce(n int) {
	text := c.d.unpark("config", "show", "--config", c.dir, "--json")
	version := ""
	for line := range strings.Lines(text) {
		var one struct{ Org, Version string }
		if json.Unmarshal([]byte(line), &one) == nil && one.Org == orgs[0] {
			version = one.Version
		}
	}
	if version == "" {
		c.t.Fatalf("config show prints no version: %s", text)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.d.broker), kgo.DefaultProduceTopic(c.d.topic("escalations")))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(cl.Close)
	tiers := []tier{warning, breach}
	var records []*kgo.Record
	for i := range n {
		conversation := fmt.Sprintf("chaos-%d", i/2)
		e := raised(orgs[0], conversation, "message", time.Now().Add(-5*time.Hour), tiers[i%2])
		records = append(records, &kgo.Record{Key: []byte(conversation), Value: chaosRecord(c.t, e, version)})
		c.ids = append(c.ids, e.ID)
	}
	var wait sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	c.t.Cleanup(func() { cancel(); wait.Wait() })
	wait.Go(func() {
		pace := time.NewTicker(10 * time.Second / chaosRate)
		defer pace.Stop()
		for batch := range slices.Chunk(records, 10) {
			at := <-pace.C
			for _, r := range batch {
				r.Value = []byte(strings.Replace(string(r.Value), `"at":""`, `"at":"`+instant(at)+`"`, 1))
			}
			if err := cl.ProduceSync(ctx, batch...).FirstErr(); err != nil && ctx.Err() == nil {
				c.t.Error(err)
			}
		}
	})
}

// chaosRecord is what the processor would write of e, its time left out.
func chaosRecord(t *testing.T, e escalation, version string) []byte {
	value, err := json.Marshal(map[string]any{
		"id": e.ID, "status": e.Status, "kind": e.Kind, "org": e.Org, "conversation": e.Conversation, "objective": e.Objective,
		"tierSeconds": e.TierSeconds, "policy": "default", "policyVersion": version, "start": e.Start, "due": e.Due, "at": "",
		"elapsedSeconds": e.TierSeconds, "verified": false, "explain": []any{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func (c *chaos) healthy() []*destination { return c.destinations[:15] }
func (c *chaos) failing() []*destination { return c.destinations[15:] }

// expected is how many messages the healthy destinations are to get.
func (c *chaos) expected() int { return len(c.ids) * len(c.healthy()) }

// killAfter kills the notifier once the healthy destinations have some messages,
// and starts it again.
func (c *chaos) killAfter(n int, signal syscall.Signal) {
	c.t.Helper()
	more := func(than int) func() error {
		return func() error {
			if got := c.told(); got < than {
				return fmt.Errorf("%d", got)
			}
			return nil
		}
	}
	eventually(c.t, 5*time.Minute, fmt.Sprintf("%d messages are told", n), more(n))
	c.scrape()
	killed := time.Now()
	c.p.signal(signal)
	c.p.wait(10 * time.Second)
	before := c.told()
	c.start()
	eventually(c.t, time.Minute, "something is told again", more(before+1))
	c.t.Logf("killed with %d messages told; told again after %v", before, time.Since(killed).Round(10*time.Millisecond))
}

// told is how many messages the healthy destinations have.
func (c *chaos) told() (n int) {
	for _, d := range c.healthy() {
		n += int(d.taken.Load())
	}
	return n
}

// scrape keeps what the process says of itself.
func (c *chaos) scrape() {
	for _, page := range []string{"/metrics", "/readyz"} {
		if _, body, err := get(c.p.address() + page); err == nil {
			c.metrics.WriteString(body)
		}
	}
}

// complete waits until destinations have each of the escalations.
func (c *chaos) complete(what string, ds []*destination) {
	c.t.Helper()
	eventually(c.t, 10*time.Minute, what, func() error {
		for _, d := range ds {
			if n := d.distinct(); n < len(c.ids) {
				return fmt.Errorf("destination %d has %d of %d", d.n, n, len(c.ids))
			}
		}
		return nil
	})
}

// noteCircuits: what fails is said on /readyz, and the notifier is ready.
func (c *chaos) noteCircuits() {
	c.t.Helper()
	eventually(c.t, time.Minute, "/readyz tells of the failing ones", func() error {
		status, body, err := get(c.p.address() + "/readyz")
		if err == nil && (status != http.StatusOK || strings.Count(body, "circuit open: ") != len(c.failing())) {
			err = fmt.Errorf("%d %s", status, body)
		}
		return err
	})
	c.scrape()
}

// settled stops the notifier, so that nothing more can come.
func (c *chaos) settled() {
	c.t.Helper()
	c.scrape()
	c.p.stop()
}

// secrets looks for the token in everything that the run has left.
func (c *chaos) secrets() {
	c.t.Helper()
	if c.metrics.Len() == 0 || strings.Contains(c.metrics.String(), chaosToken) {
		c.t.Error("the metrics are empty or tell the token")
	}
	stacks := false
	for _, p := range c.processes {
		log, err := os.ReadFile(p.log)
		stacks = stacks || strings.Contains(string(log), "goroutine ")
		if err != nil || len(log) == 0 || strings.Contains(string(log), chaosToken) {
			c.t.Errorf("the log of %s is empty or tells the token (%v)", p.name, err)
		}
	}
	if !stacks {
		c.t.Error("no process has left its stacks")
	}
	for _, topic := range []string{"deliveries", "dead-letters", "org-config", "escalations"} {
		for _, r := range follow(c.d, topic).all() {
			if strings.Contains(fmt.Sprintf("%s %s %s", r.Key, r.Value, r.Headers), chaosToken) {
				c.t.Fatalf("%s tells the token: %s", topic, r.Key)
			}
		}
	}
}

// latencies logs how long after its decision the healthy destinations had an
// alert, the outages of the kills included.
func (c *chaos) latencies() {
	var all []time.Duration
	for _, d := range c.healthy() {
		all = append(all, d.late...)
	}
	slices.Sort(all)
	p99 := all[len(all)*99/100]
	c.t.Logf("%d alerts at healthy destinations: half within %v, 99 %% within %v", len(all), all[len(all)/2], p99)
	if os.Getenv("UNPARK_CHAOS") == "full" && p99 > chaosLate {
		c.t.Errorf("99 %% of the alerts came within %v, want %v", p99, chaosLate)
	}
}

// destination is a webhook, or a channel of Slack behind one, that takes what it is told, once it is not failing.
type destination struct {
	n       int
	address string
	server  *http.Server
	fail    func(*destination, http.ResponseWriter, *http.Request)
	broken  atomic.Bool
	taken   atomic.Int64
	t       *testing.T

	mu    sync.Mutex
	ids   []string // webhook-ids, or what was told, in order
	order []string // conversation and kind
	late  []time.Duration
}

// newDestination listens, unless it is one that refuses connections.
func newDestination(t *testing.T, n int, fail func(*destination, http.ResponseWriter, *http.Request), failing bool) *destination {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &destination{n: n, address: l.Addr().String(), fail: fail, t: t}
	d.broken.Store(failing)
	if failing && fail == nil {
		_ = l.Close() // nobody is there until it is mended
		return d
	}
	d.serve(l)
	return d
}

func (d *destination) serve(l net.Listener) {
	d.server = &http.Server{Handler: d}
	go func() { _ = d.server.Serve(l) }()
	d.t.Cleanup(func() { _ = d.server.Close() })
}

// mend has the destination take what comes.
func (d *destination) mend() {
	d.broken.Store(false)
	if d.server == nil {
		l, err := net.Listen("tcp", d.address)
		if err != nil {
			d.t.Fatal(err)
		}
		d.serve(l)
	}
}

func (d *destination) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if d.broken.Load() {
		d.fail(d, w, r)
		return
	}
	if r.URL.Path != "/"+chaosToken {
		d.t.Errorf("destination %d was told at %s", d.n, r.URL.Path)
	}
	if d.slack() {
		d.takeText(body)
		_, _ = io.WriteString(w, "ok")
	} else {
		d.takeRecord(r.Header.Get("webhook-id"), body)
	}
	d.taken.Add(1)
}

func (d *destination) slack() bool { return d.n%2 == 1 }

func (d *destination) takeRecord(id string, body []byte) {
	var e struct {
		Conversation, Kind string
		At                 time.Time
	}
	if err := json.Unmarshal(body, &e); err != nil || id == "" {
		d.t.Errorf("destination %d was told wrongly: id %q, %v %s", d.n, id, err, body)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ids = append(d.ids, id)
	d.order = append(d.order, e.Conversation+" "+e.Kind)
	d.late = append(d.late, time.Since(e.At))
}

func (d *destination) takeText(body []byte) {
	var m struct{ Text string }
	what := ""
	if err := json.Unmarshal(body, &m); err == nil {
		what = told(m.Text)
	}
	words := strings.Fields(what) // raised warning chaos-1
	if len(words) != 3 || words[0] != "raised" {
		d.t.Errorf("destination %d was told wrongly: %s", d.n, body)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ids = append(d.ids, what)
	d.order = append(d.order, words[2]+" "+words[1])
}

func fail500(_ *destination, w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "broken", http.StatusInternalServerError)
}

func rateLimited(_ *destination, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", strconv.Itoa(1+rand.IntN(2)))
	w.WriteHeader(http.StatusTooManyRequests)
}

func hangs(_ *destination, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// drops takes the message and lets the connection go without an answer.
func drops(*destination, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func (d *destination) distinct() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := make(map[string]bool, len(d.ids))
	for _, id := range d.ids {
		seen[id] = true
	}
	return len(seen)
}

// verify checks what came: nothing but doubles of kills, and in order.
func (d *destination) verify(t *testing.T, kills int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	doubles := len(d.ids) - len(counts(d.ids))
	switch {
	case d.slack() && doubles > kills:
		t.Errorf("destination %d was told %d messages twice, in %d kills", d.n, doubles, kills)
	case doubles > 0:
		t.Logf("destination %d was told %d twice: %d kills came between its answer and the record of it", d.n, doubles, kills)
	}
	first := map[string]int{}
	for i, what := range d.order {
		if _, ok := first[what]; !ok {
			first[what] = i
		}
	}
	for what, i := range first {
		if conversation, ok := strings.CutSuffix(what, " breach"); ok && first[conversation+" warning"] > i {
			t.Errorf("destination %d was told the breach of %s before its warning", d.n, conversation)
		}
	}
}
