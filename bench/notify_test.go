package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"

	"unpark/schemas"
)

// notifyOrgs is how many orgs share the escalations of TestNotify, each with a
// webhook, which knows by an id what it is told twice, and a channel of Slack,
// which does not.
const notifyOrgs = 8

// TestNotify has a notifier tell UNPARK_BENCH_NOTIFY escalations that wait for it
// when it starts, each to two destinations that answer at once, and then as many
// again at 2,000 a second, and measures how fast it is and what it costs, and how
// old an alert is when its destination has it. Without the variable it is skipped.
func TestNotify(t *testing.T) {
	if os.Getenv("UNPARK_BENCH_NOTIFY") == "" {
		t.Skip("UNPARK_BENCH_NOTIFY is not set")
	}
	n := setting(t, "NOTIFY", "")[0]
	r := newRig(t, 1)
	to := newAudience(t)
	r.routes(to, "{group: {above: 0}, to: [{webhook: {url: HOOK, secret: 'env:UNPARK_BENCH_KEY'}}, {slack: {webhook: 'SLACK'}, every: 0s}]}")
	r.escalate(0, n, rate.Inf)

	p := r.startAs("notifier")
	waitFor(t, "the first message", func() bool { return to.told.Load() > 0 })
	stop := profile(t, p.cmd.Process)
	begun, used, before := time.Now(), cpu(t, p.cmd.Process.Pid), to.told.Load()
	waitFor(t, "all messages", func() bool { return to.told.Load() >= int64(2*n) })
	took := time.Since(begun)
	stop()
	told := float64(int64(2*n)-before) / 2
	fmt.Printf("notify: escalations=%d destinations=%d seconds=%.1f escalations/s=%.0f messages/s=%.0f cpu_us/escalation=%.0f peak_rss_mb=%d\n",
		n, 2*notifyOrgs, took.Seconds(), told/took.Seconds(), 2*told/took.Seconds(), (cpu(t, p.cmd.Process.Pid)-used)/told*1e6, peakRSS(t, p.cmd.Process.Pid))

	to.late()
	begun, used = time.Now(), cpu(t, p.cmd.Process.Pid)
	r.escalate(n, 2*n, 2000)
	waitFor(t, "all messages", func() bool { return to.told.Load() >= int64(4*n) })
	took = time.Since(begun)
	late := to.late()
	fmt.Printf("notify: escalations/s=%.0f cpu_us/escalation=%.0f median=%s p99=%s most=%s\n",
		float64(n)/took.Seconds(), (cpu(t, p.cmd.Process.Pid)-used)/float64(n)*1e6, late[len(late)/2], late[len(late)*99/100], late[len(late)-1])
}

// TestPending starts a notifier that finds UNPARK_BENCH_PENDING entries in the ledger
// for a destination that is out, and measures how long it reads, what that costs and
// what it holds; then it takes a few more. Without the variable it is skipped.
func TestPending(t *testing.T) {
	if os.Getenv("UNPARK_BENCH_PENDING") == "" {
		t.Skip("UNPARK_BENCH_PENDING is not set")
	}
	n, more := setting(t, "PENDING", "")[0], 10_000
	r := newRig(t, 1)
	to := newAudience(t)
	to.out.Store(true)
	r.routes(to, "{to: [{slack: {webhook: 'SLACK'}}]}")
	r.pend(n)

	begun := time.Now()
	p := r.startAs("notifier")
	measure := func(what string, entries int) {
		fmt.Printf("pending: %s=%d seconds=%.1f cpu_us/entry=%.1f rss_mb=%d peak_rss_mb=%d\n", what, entries, time.Since(begun).Seconds(),
			cpu(t, p.cmd.Process.Pid)/float64(entries)*1e6, memory(t, p.cmd.Process.Pid, "VmRSS:"), peakRSS(t, p.cmd.Process.Pid))
	}
	waitFor(t, "a ledger that was read", p.ready)
	measure("read", n)
	r.escalate(n, n+more, rate.Inf)
	waitFor(t, "the others in the ledger", func() bool { return r.entered() >= int64(more) })
	measure("held", n+more)
}

// pend writes n entries that wait to the ledger, as a notifier would have.
func (r *rig) pend(n int) {
	r.t.Helper()
	versions := r.versions()
	for i := range n {
		e := escalation(i, versions[notifyOrg(i)])
		record, err := schemas.EncodeEscalation(&e)
		if err != nil {
			r.t.Fatal(err)
		}
		d := schemas.Delivery{
			State: schemas.DeliveryPending, Escalation: e.ID, Org: e.Org, Conversation: e.Conversation, Destination: e.Org + "/default/0",
			Status: e.Status, Since: e.At, RaisedAt: e.At, Record: record,
		}
		value, err := schemas.EncodeDelivery(&d)
		if err != nil {
			r.t.Fatal(err)
		}
		index := schemas.DeliveryIndex{Pending: true, Conversation: e.Conversation}
		r.produce(&kgo.Record{
			Topic: schemas.Deliveries.Name(prefix), Partition: int32(i % partitions), Key: []byte(d.Key()), Value: value,
			Headers: []kgo.RecordHeader{{Key: schemas.HeaderIndex, Value: index.Encode()}},
		})
	}
	if err := r.manual.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// ready says whether the process calls itself so.
func (p *proc) ready() bool {
	_, rest, found := strings.Cut(p.log(), " component=http address=")
	if !found {
		return false
	}
	address, _, _ := strings.Cut(rest, "\n")
	resp, err := http.Get("http://" + address + "/readyz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// audience is whoever is told, all of them behind one server.
type audience struct {
	address string
	told    atomic.Int64
	out     atomic.Bool

	mu   sync.Mutex
	ages []time.Duration
}

func newAudience(t *testing.T) *audience {
	a := &audience{}
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	a.address = s.URL
	t.Setenv("UNPARK_BENCH_KEY", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	return a
}

func (a *audience) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || a.out.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/hook") {
		a.note(body)
	} else {
		_, _ = io.WriteString(w, "ok")
	}
	a.told.Add(1)
}

// note remembers how old an alert is.
func (a *audience) note(body []byte) {
	_, rest, _ := bytes.Cut(body, []byte(`"at":"`))
	at, err := time.Parse(time.RFC3339, string(rest[:min(len(rest), len("2006-01-02T15:04:05.000Z"))]))
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ages = append(a.ages, time.Since(at).Round(time.Millisecond))
}

// late returns how old alerts were, sorted, and forgets it.
func (a *audience) late() []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	ages := a.ages
	a.ages = nil
	slices.Sort(ages)
	return ages
}

func notifyOrg(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i%notifyOrgs) }

// routes applies orgs whose alerts all go one way; HOOK and SLACK in it stand for
// addresses of the org's own.
func (r *rig) routes(to *audience, route string) {
	r.t.Helper()
	for i := range notifyOrgs {
		secret := fmt.Sprintf("UNPARK_BENCH_SLACK_%d", i)
		r.t.Setenv(secret, fmt.Sprintf("%s/slack/%d", to.address, i))
		text := strings.NewReplacer("HOOK", fmt.Sprintf("'%s/hook/%d'", to.address, i), "SLACK", "env:"+secret).Replace(route)
		text = fmt.Sprintf("id: %s\nroutes: {default: %s}\n", notifyOrg(i), text)
		if err := os.WriteFile(filepath.Join(r.config, "orgs", fmt.Sprintf("org-%d.yaml", i)), []byte(text), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	run(r.t, r.binary, "config", "apply", "--config", r.config)
}

// versions are those of the orgs' rules.
func (r *rig) versions() map[string]string {
	r.t.Helper()
	all := map[string]string{}
	out, err := exec.Command(r.binary, "config", "show", "--config", r.config, "--json").Output()
	if err != nil {
		r.t.Fatal(err)
	}
	for line := range bytes.Lines(out) {
		var one struct{ Org, Version string }
		if err := json.Unmarshal(line, &one); err != nil {
			r.t.Fatal(err)
		}
		all[one.Org] = one.Version
	}
	return all
}

// escalate writes escalations number from to to, so many of them a second.
func (r *rig) escalate(from, to int, perSecond rate.Limit) {
	r.t.Helper()
	versions, pace := r.versions(), rate.NewLimiter(perSecond, 20)
	for i := from; i < to; i++ {
		if err := pace.Wait(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
		e := escalation(i, versions[notifyOrg(i)])
		value, err := schemas.EncodeEscalation(&e)
		if err != nil {
			r.t.Fatal(err)
		}
		r.cl.Produce(r.t.Context(), &kgo.Record{Topic: schemas.Escalations.Name(prefix), Key: []byte(e.Conversation), Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				r.t.Error(err)
			}
		})
	}
	if err := r.cl.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// escalation is a warning as the processor would tell it now.
func escalation(i int, version string) schemas.Escalation {
	at := schemas.Instant(time.Now().UnixMilli())
	begun := at - 210*60_000
	say := func(s string) *string { return &s }
	return schemas.Escalation{
		ID: fmt.Sprintf("%032x", i), Status: "raised", Kind: "warning", Org: notifyOrg(i), Conversation: fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i),
		Objective: "reply", TierSeconds: 12600, Policy: "default", PolicyVersion: version, Start: begun, Due: at, At: at, Elapsed: 12600, Verified: true,
		ObservedAt: &at, Media: say("message"), MessageType: say("whatsapp"),
		Queue:   &schemas.QueueRef{ID: say("b15b0736-0000-4000-8000-6018f0c22fa7"), Name: say("Support")},
		Agent:   &schemas.AgentRef{ID: say("7272d362-0000-4000-8000-dc7b7683153a"), Name: say("Jane Doe"), State: say("parked"), Since: &begun},
		Explain: []schemas.Interval{{From: begun, To: at, State: "running"}},
	}
}

// entered is how many escalations are on the ledger.
func (r *rig) entered() (n int64) {
	offsets, err := kadm.NewClient(r.cl).FetchOffsets(r.t.Context(), prefix+"notifier")
	if err != nil {
		return 0 // the group has no coordinator yet
	}
	offsets.Each(func(o kadm.OffsetResponse) { n += max(o.At, 0) })
	return n
}
