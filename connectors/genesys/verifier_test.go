package genesys

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/clock"
	"unpark/schemas"
)

const (
	requests   = "unpark.genesys-requests"
	inputTopic = "unpark.conversation-events"
)

// desktop is a broker with the topics, and a client.
type desktop struct {
	t       *testing.T
	cluster *kfake.Cluster
	opts    []kgo.Opt
	*kgo.Client
}

func newDesktop(t *testing.T) *desktop {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, requests), kfake.SeedTopics(4, inputTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	opts := []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}
	cl, err := kgo.NewClient(append(opts, kgo.ConsumeTopics(inputTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return &desktop{t, c, opts, cl}
}

func (d *desktop) verifier(transport http.RoundTripper, change ...func(*Deps)) *Verifier {
	d.t.Helper()
	deps := Deps{
		Kafka: d.opts, Prefix: "unpark.", Clock: clock.Real(), Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
		Configs: rulesOf{"o": connected(6000)}, Resolve: resolveTest, Transport: transport,
	}
	for _, c := range change {
		c(&deps)
	}
	v, err := NewVerifier(deps)
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// verify runs a verifier until the function that is returned is called.
func (d *desktop) verify(transport http.RoundTripper, change ...func(*Deps)) (stop func()) {
	d.t.Helper()
	v := d.verifier(transport, change...)
	if v.Ready() == nil {
		d.t.Error("ready before it runs")
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			d.t.Error(err)
		}
	}
}

func (d *desktop) ask(id string) {
	d.t.Helper()
	r := &schemas.GenesysRequest{Id: id, OrgId: "o", ConversationId: id, RequestedAtMs: time.Now().UnixMilli(), Kind: &schemas.GenesysRequest_Check{Check: &schemas.Check{}}}
	value, err := r.MarshalVT()
	if err != nil {
		d.t.Fatal(err)
	}
	d.put(value)
}

func (d *desktop) put(value []byte) {
	d.t.Helper()
	if err := d.ProduceSync(d.t.Context(), &kgo.Record{Topic: requests, Key: []byte("o"), Value: value}).FirstErr(); err != nil {
		d.t.Fatal(err)
	}
}

// answers waits for n more answers and returns how many each request got.
func (d *desktop) answers(n int) map[string]int {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 30*time.Second)
	defer cancel()
	got := make(map[string]int)
	for n > 0 {
		fetches := d.PollFetches(ctx)
		if ctx.Err() != nil {
			d.t.Fatalf("%d more answers did not come, after %v", n, got)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n--
			in := new(schemas.InputRecord)
			if err := in.UnmarshalVT(r.Value); err != nil {
				d.t.Fatal(err)
			}
			got[in.GetThreadObserved().GetRequestId()]++
			if string(r.Key) != in.GetThreadObserved().GetConversationId() {
				d.t.Errorf("key %s of %v", r.Key, in)
			}
		})
	}
	return got
}

// Within its first hour a verifier compares the orgs whose requests it answers with
// Genesys, and puts what is missing where the conversation's events are.
func TestVerifierComparesDaily(t *testing.T) {
	d := newDesktop(t)
	tw := newTwin()
	tw.answer(detailsQuery, 200, fixture(t, "open.json"))
	stop := d.verify(tw, func(deps *Deps) {
		deps.Clock = clock.Scaled(time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC), 3600)
		deps.States = func(context.Context, string) (map[string][]byte, error) { return nil, nil }
	})
	defer stop()
	got := make(map[string]map[int32]int) // partitions by conversation
	for n := 0; n < 10; {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		fetches := d.PollFetches(ctx)
		if cancel(); fetches.Err() != nil {
			t.Fatalf("after %v: %v", got, fetches.Err())
		}
		fetches.EachRecord(func(r *kgo.Record) {
			in := new(schemas.InputRecord)
			if err := in.UnmarshalVT(r.Value); err != nil || in.GetEvent().GetConversationId() != string(r.Key) {
				t.Errorf("%v of %s: %v", in, r.Key, err)
			}
			if got[string(r.Key)] == nil {
				got[string(r.Key)] = make(map[int32]int)
			}
			got[string(r.Key)][r.Partition]++
			n++
		})
	}
	want := make(map[string]map[int32]int)
	for id, facts := range map[string]int{"came back": 2, "parked": 8} {
		p := kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(&kgo.Record{Key: []byte(id)}, 4)
		want[id] = map[int32]int{int32(p): facts}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func (d *desktop) committed() int64 {
	d.t.Helper()
	offsets, err := kadm.NewClient(d.Client).FetchOffsets(d.t.Context(), "unpark.verifier")
	if err != nil {
		d.t.Fatal(err)
	}
	o, _ := offsets.Lookup(requests, 0)
	return o.At
}

// The offset moves up to the oldest request that is not answered; a verifier that
// comes after a stop answers that one and everything behind it.
func TestCommitsFollowAnswers(t *testing.T) {
	d := newDesktop(t)
	d.put([]byte("no request"))
	for i := range 3 {
		d.ask(fmt.Sprint("early-", i))
	}
	d.ask("stuck")
	for i := range 20 {
		d.ask(fmt.Sprint("late-", i))
	}
	tw := newTwin()
	anyConversation(tw)
	stuck := newTwin()
	anyConversation(stuck)
	stuck.HandleFunc("GET /api/v2/conversations/stuck", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })

	stop := d.verify(stuck)
	first := d.answers(23)
	stop()
	if first["stuck"] != 0 || len(first) != 23 {
		t.Errorf("%v", first)
	}
	if at := d.committed(); at != 4 {
		t.Errorf("committed %d, want 4: up to the request that is stuck", at)
	}

	stop = d.verify(tw)
	second := d.answers(21)
	stop()
	if second["stuck"] != 1 || second["early-0"] != 0 || second["late-19"] != 1 {
		t.Errorf("%v", second)
	}
	if at := d.committed(); at != 25 {
		t.Errorf("committed %d, want 25", at)
	}
}

// A partition that was full and not read when the group took it away is read when it
// comes back.
func TestPauseEndsWithThePartition(t *testing.T) {
	d := newDesktop(t)
	v := d.verifier(newTwin())
	stopped, stop := context.WithCancel(t.Context())
	stop()
	v.ctx = stopped // nothing is recalled
	close(v.started)
	cl, err := kgo.NewClient(append(v.options(), kgo.HeartbeatInterval(20*time.Millisecond))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.CloseAllowingRebalance()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	poll := func() int {
		wait, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		defer cl.AllowRebalance()
		return cl.PollRecords(wait, maxPoll).NumRecords()
	}
	for v.Ready() != nil && ctx.Err() == nil {
		poll()
	}

	v.window(&kgo.Record{Topic: requests}).places = make([]*place, maxUnsettled)
	v.throttle(cl)
	if paused := cl.PauseFetchPartitions(nil); len(paused[requests]) != 1 {
		t.Fatalf("paused %v, want the partition that is full", paused)
	}
	d.cluster.ControlKey(kmsg.Heartbeat.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.HeartbeatResponse)
		resp.ErrorCode = kerr.IllegalGeneration.Code // once: the member is out, and joins again
		return resp, nil, true
	})
	d.put([]byte("no request"))
	for poll() == 0 {
		if ctx.Err() != nil {
			t.Fatalf("never read again; %d windows, ready: %v", len(v.allWindows()), v.Ready())
		}
	}
}
