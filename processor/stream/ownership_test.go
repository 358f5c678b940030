package stream

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/schemas"
)

func TestRunnersRebalance(t *testing.T) {
	k := newKafka(t, 6)
	a := k.start(k.config("a", t.TempDir()))
	want := k.echo(6, 0, 30)
	k.waitEscalations(want)
	cfg := k.config("b", t.TempDir())
	cfg.Runners = 2
	b := k.start(cfg)
	for i := range 10 {
		want = append(want, k.echo(6, 30+10*i, 10)...)
	}
	b.owns(4)
	a.owns(2)
	want = append(want, k.echo(6, 130, 30)...)
	k.waitEscalations(want)
	a.stop()
	b.stop()
	k.checkEscalations(want)
}

// When no transaction is open, what a process keeps over a rebalance goes on in the
// same session, and what it has lost it gives up though nothing ends the session.
func TestRunnersRebalanceBetweenTransactions(t *testing.T) {
	k := newKafka(t, 6)
	a := k.start(k.quiet("a"))
	want := k.echo(6, 0, 10)
	k.waitEscalations(want)
	b := k.start(k.quiet("b"))
	b.owns(3)
	a.owns(3)
	want = append(want, k.echo(6, 10, 10)...)
	k.waitEscalations(want)
	for _, m := range []prometheus.Counter{a.runners.metrics.rebuilds, a.runners.metrics.aborts.WithLabelValues(abortRebalance)} {
		if n := value(t, m); n != 0 {
			t.Errorf("%v of %s", n, m.Desc())
		}
	}
	a.stop()
	b.stop()
	k.checkEscalations(want)
}

// quiet returns the configuration of a process that begins no transaction by itself.
func (k *kafka) quiet(instance string) Config {
	cfg := k.config(instance, k.t.(*testing.T).TempDir())
	cfg.IdleTickInterval = time.Hour
	return cfg
}

// owns waits until the process works so many partitions and no others.
func (p *process) owns(n int) {
	p.t.Helper()
	waitFor(p.t, fmt.Sprintf("a process to own %d partitions", n), func() error {
		if have := owned(p.runners); have != n {
			return fmt.Errorf("%d", have)
		}
		return p.runners.Ready()
	})
}

func owned(r *Runners) int {
	n := 0
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, r := range r.runners {
		r.mu.Lock()
		n += len(r.status)
		r.mu.Unlock()
	}
	return n
}

// While a transaction is open that has written a partition's offset, the group does not
// say it to whom it has given the partition. If nobody ends the transaction that may be
// for ever, and must not look like peace.
func TestRunnersOffsetHeldBack(t *testing.T) {
	k := newFake(t, 4)
	a, b := k.start(k.quiet("a")), k.start(k.quiet("b"))
	a.owns(2)
	b.owns(2)
	held := k.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Partitions: []int32{0, 1, 2, 3}, Err: kerr.UnstableOffsetCommit, Count: -1})
	b.stop()
	k.leave("b")
	waitFor(t, "the offsets to be asked for", func() error {
		if held.Hits() == 0 {
			return errors.New("not yet")
		}
		return nil
	})
	wantError(t, a.runners.Ready(), "waits for its offset of the group")
	held.Remove()
	a.owns(4)
	a.stop()
}

// A partition that has moved between two runners of a process is worked by the new
// one when the old one has brought what it committed to where the new one reads it.
func TestRunnersLease(t *testing.T) {
	k := newKafka(t, 2)
	p, err := New(k.config("a", t.TempDir()), func(int32) Handler { return newToy() })
	if err != nil {
		t.Fatal(err)
	}
	release, err := p.leases.acquire(k.ctx(), 0) // as the old one does
	if err != nil {
		t.Fatal(err)
	}
	running := k.run(p)
	want := k.echo(2, 0, 20)
	for i := range 10 { // each takes a turn of the loop at least, which would see partition 0 recovered
		in := eventInput("alone", 0)
		in.GetEvent().Direction = echoDirection
		k.produce(1, encode(in))
		want = append(want, fmt.Sprintf("alone#%d", i+1))
		waitFor(t, "partition 1 to be worked", func() error {
			if vs := k.values(schemas.Escalations); !slices.Contains(vs, want[len(want)-1]) {
				return fmt.Errorf("%d escalations", len(vs))
			}
			return nil
		})
	}
	for _, v := range k.values(schemas.Escalations) {
		if strings.HasPrefix(v, "c0") {
			t.Errorf("%s was said before the lease was given back", v)
		}
	}
	release()
	k.waitEscalations(want)
	running.stop()
}

// The group answers a join when all members have joined, and one that was killed
// holds that up. Neither a commit, which waits for the join, nor the close may
// hold a stop up with it.
func TestRunnersStopWhileJoining(t *testing.T) {
	k := newFake(t, 2)
	a := k.start(k.config("a", t.TempDir()))
	a.waitReady()
	joining := make(chan struct{})
	k.fake.ControlKey(int16(kmsg.JoinGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		if id := req.(*kmsg.JoinGroupRequest).InstanceID; id == nil || *id != k.group()+"-a-0" {
			return nil, nil, false
		}
		k.fake.SleepControl(func() { close(joining); <-k.ctx().Done() })
		return nil, nil, false
	})
	b := k.start(k.config("b", t.TempDir()))
	k.await(joining, "a join")
	k.echo(2, 0, 20)
	a.stop()
	b.stop()
}

// Of those that wait for something the one that has waited longest is tried, and the next
// once those that do not wait have committed.
func TestNextToTry(t *testing.T) {
	now := time.Now()
	works := func() *partition { return &partition{state: Running} }
	waits := func(until time.Duration) *partition {
		return &partition{state: Suspended, retry: backoff.NewExponentialBackOff(), retryAt: now.Add(until)}
	}
	tried := &partition{state: Running, retry: backoff.NewExponentialBackOff()}
	stuck := &partition{state: Suspended}
	for name, tt := range map[string]struct {
		partitions map[int32]*partition
		tried      bool
		want       int32
	}{
		"nothing waits":                          {map[int32]*partition{1: works(), 2: stuck}, false, 0},
		"one waits on":                           {map[int32]*partition{1: works(), 2: waits(time.Second)}, false, 0},
		"the longest":                            {map[int32]*partition{1: works(), 2: waits(-time.Second), 3: waits(-2 * time.Second)}, false, 3},
		"one was tried":                          {map[int32]*partition{1: works(), 2: waits(-time.Second), 3: waits(time.Second)}, true, 0},
		"one is tried, nobody else could commit": {map[int32]*partition{1: tried, 2: waits(-time.Second), 3: stuck}, true, 2},
	} {
		if got := nextToTry(tt.partitions, tt.tried, now); got != tt.partitions[tt.want] {
			t.Errorf("%s: %+v, want partition %d", name, got, tt.want)
		}
	}
}
