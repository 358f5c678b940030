package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"

	"unpark/schemas"
)

// notifyOrgs is how many orgs share the escalations of TestNotify.
const notifyOrgs = 16

// Whom the orgs of TestNotify tell: a webhook, which knows by an id what it is told
// twice, and a channel of Slack, which does not and is told the next message when the
// last one is on the ledger.
const (
	toWebhook = "{webhook: {url: HOOK, secret: 'env:UNPARK_BENCH_KEY'}}"
	toSlack   = "{slack: {webhook: 'SLACK'}, every: 0s}"
)

// TestNotify has a notifier tell UNPARK_BENCH_NOTIFY escalations that wait for it
// when it starts, to destinations that answer at once, and then as many again at
// 2,000 a second, and measures how fast it is and what it costs, and how old an alert
// is when its destination has it: once with one destination for each, a webhook for
// half of the orgs and a channel for the others, and once with both for each. Without
// the variable it is skipped.
func TestNotify(t *testing.T) {
	if os.Getenv("UNPARK_BENCH_NOTIFY") == "" {
		t.Skip("UNPARK_BENCH_NOTIFY is not set")
	}
	n := setting(t, "NOTIFY", "")[0]
	t.Run("one", func(t *testing.T) {
		notifies(t, n, 1, func(org int) string { return []string{toWebhook, toSlack}[org%2] })
	})
	t.Run("two", func(t *testing.T) { notifies(t, n, 2, func(int) string { return toWebhook + ", " + toSlack }) })
}

// notifies measures n escalations that wait, and n that come, each to so many
// destinations.
func notifies(t *testing.T, n, each int, to func(org int) string) {
	r := newRig(t, 1)
	told := newAudience(t)
	r.routes(told, func(org int) string { return "{group: {above: 0}, to: [" + to(org) + "]}" })
	r.escalate(0, n, rate.Inf)

	p := r.startAs("notifier")
	waitFor(t, "the first message", func() bool { return told.n.Load() > 0 })
	stop := profile(t, p.cmd.Process)
	s := r.spend(p, told, each)
	waitFor(t, "all messages", func() bool { return told.n.Load() >= int64(each*n) })
	stop()
	fmt.Printf("notify: destinations=%d waiting=%d %s peak_rss_mb=%d\n", each, n, s.said(), peakRSS(t, p.cmd.Process.Pid))

	told.late()
	s = r.spend(p, told, each)
	r.escalate(n, 2*n, 2000)
	waitFor(t, "all messages", func() bool { return told.n.Load() >= int64(2*each*n) })
	said, late := s.said(), told.late()
	fmt.Printf("notify: destinations=%d offered/s=2000 %s median=%s p99=%s most=%s\n", each, said, late[len(late)/2], late[len(late)*99/100], late[len(late)-1])
}

// spending is what had been told and used at an instant, in seconds of CPU.
type spending struct {
	r     *rig
	p     *proc
	to    *audience
	each  int64
	begun time.Time
	told  int64
	used  [3]float64
}

func (r *rig) spend(p *proc, to *audience, each int) *spending {
	return &spending{r: r, p: p, to: to, each: int64(each), begun: time.Now(), told: to.n.Load(), used: r.used(p)}
}

// used is what the notifier, the broker, and this process, which is the destinations,
// have used.
func (r *rig) used(p *proc) (s [3]float64) {
	for i, pid := range []int{p.cmd.Process.Pid, r.broker.Pid(), os.Getpid()} {
		s[i] = cpu(r.t, pid)
	}
	return s
}

// said is what has been told and used since, an escalation.
func (s *spending) said() string {
	took, now, told := time.Since(s.begun).Seconds(), s.r.used(s.p), float64(s.to.n.Load()-s.told)/float64(s.each)
	each := func(i int) float64 { return (now[i] - s.used[i]) / told * 1e6 }
	return fmt.Sprintf("seconds=%.1f escalations/s=%.0f cpu_us/escalation=%.0f broker=%.0f destinations=%.0f", took, told/took, each(0), each(1), each(2))
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
	r.routes(to, func(int) string { return "{to: [{slack: {webhook: 'SLACK'}}]}" })
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

func notifyOrg(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i%notifyOrgs) }

// routes applies orgs, each with one route; HOOK and SLACK in it stand for addresses of
// the org's own.
func (r *rig) routes(to *audience, route func(org int) string) {
	r.t.Helper()
	for i := range notifyOrgs {
		secret := fmt.Sprintf("UNPARK_BENCH_SLACK_%d", i)
		r.t.Setenv(secret, fmt.Sprintf("%s/slack/%d", to.address, i))
		text := strings.NewReplacer("HOOK", fmt.Sprintf("'%s/hook/%d'", to.address, i), "SLACK", "env:"+secret).Replace(route(i))
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

// together come so many escalations at a paced load: a processor tells what one
// transaction came to.
const together = 50

// escalate writes escalations number from to to, so many of them a second.
func (r *rig) escalate(from, to int, perSecond rate.Limit) {
	r.t.Helper()
	versions, pace := r.versions(), rate.NewLimiter(perSecond, together)
	for i := from; i < to; i++ {
		if i%together == 0 {
			if err := pace.WaitN(r.t.Context(), together); err != nil {
				r.t.Fatal(err)
			}
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
