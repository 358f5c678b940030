package stream

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/internal/crashfs"
	"unpark/processor/store"
	"unpark/schemas"
)

func TestRunnersRestart(t *testing.T) {
	k := newKafka(t, 3)
	dir := t.TempDir()
	var want []string
	for round := range 3 {
		p := k.start(k.config("a", dir))
		want = append(want, k.echo(3, 2*round*50, 50)...)
		k.waitEscalations(want)
		p.stop()
		// These stand in the input when the next one starts.
		want = append(want, k.echo(3, (2*round+1)*50, 50)...)
	}
	p := k.start(k.config("a", t.TempDir())) // state comes from the changelog alone
	k.waitEscalations(slices.Clone(want))
	p.waitReady()
	p.stop()
	k.checkEscalations(want)
}

// A process that is cut off keeps what it has not committed to itself, and its
// successor, on the same disk as of a crash, misses nothing.
func TestRunnersCrash(t *testing.T) {
	k := newKafka(t, 3)
	fs := crashfs.New()
	first, err := store.Open("data", store.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = first.Close() })
	var l link
	cfg := k.config("a", "")
	cfg.Store, cfg.Kafka = first, append(cfg.Kafka, kgo.Dialer(l.dial))
	old := k.start(cfg)
	want := k.echo(3, 0, 50)
	k.waitEscalations(want)
	l.set(true)
	want = append(want, k.echo(3, 50, 50)...)

	second, err := store.Open("data", store.Options{FS: fs.Crash(vfs.CrashCloneCfg{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.Close() })
	cfg = k.config("a", "")
	cfg.Store = second
	p := k.start(cfg)
	k.waitEscalations(want)

	l.set(false)
	wantError(t, old.wait(), "another process has taken the name "+k.group()+"-a-0")
	want = append(want, k.echo(3, 100, 50)...)
	k.waitEscalations(want)
	p.stop()
	k.checkEscalations(want)
}

// Hours of timers pass in a moment of a scaled clock, driven by ticks alone.
func TestRunnersTicks(t *testing.T) {
	k := newFake(t, 2)
	cfg := k.config("a", t.TempDir())
	cfg.Clock, cfg.MaxDue = clock.Scaled(time.Now(), 20_000), 2
	cfg.CommitInterval = time.Millisecond
	p := k.start(cfg)
	p.waitReady()
	due := cfg.Clock.Now().Add(4 * time.Hour).UnixMilli()
	for i := range 10 {
		k.produce(int32(i%2), encode(eventInput(fmt.Sprintf("c%d", i), due)))
	}
	waitFor(t, "escalations", func() error {
		if n := len(k.values(schemas.Escalations)); n != 10 {
			return fmt.Errorf("%d of 10", n)
		}
		return nil
	})
	p.stop()
	for _, v := range k.values(schemas.Escalations) {
		var conversation string
		var count, was, at int64
		if _, err := fmt.Sscanf(strings.ReplaceAll(v, "=", " "), "%s %d due %d at %d", &conversation, &count, &was, &at); err != nil {
			t.Fatalf("%q: %v", v, err)
		}
		if was != due || at < due {
			t.Errorf("%s was due at %d and judged at %d, want %d and not before", conversation, was, at, due)
		}
	}
	checkTicks(t, k)
}

// checkTicks checks that ticks carry the owner's clock and limit, and that each
// of them handled no more than that.
func checkTicks(t *testing.T, k *kafka) {
	t.Helper()
	ticks := 0
	for _, rec := range k.read(schemas.ConversationEvents) {
		in := new(schemas.InputRecord)
		if err := in.UnmarshalVT(rec.Value); err != nil {
			t.Fatal(err)
		}
		if tick := in.GetTick(); tick != nil {
			ticks++
			if tick.ClockMs != rec.Timestamp.UnixMilli() || tick.MaxDue != 2 || tick.Owner == "" {
				t.Errorf("tick %v with time %d", tick, rec.Timestamp.UnixMilli())
			}
		}
	}
	if ticks < 6 {
		t.Errorf("%d ticks, want 5 due ones at least in two partitions", ticks)
	}
}

// suspend has a partition suspended, by a kind of the future.
func (k *kafka) suspend(p *process, partition int32) {
	k.t.Helper()
	k.produce(partition, []byte("\x42\x01x"))
	p.suspended(fmt.Sprintf("partition %d is suspended", partition))
}

// suspended waits until Ready says so of a partition.
func (p *process) suspended(said string) {
	p.t.Helper()
	waitFor(p.t, "a suspended partition", func() error {
		if err := p.runners.Ready(); err == nil || !strings.Contains(err.Error(), said) {
			return fmt.Errorf("Ready: %w", err)
		}
		return nil
	})
}

// A partition that is suspended reads nothing, and has no table of Pebble stay on disk
// though it is merged away.
func TestSuspendedPartitionHoldsNoTables(t *testing.T) {
	k := newKafka(t, 1)
	dir := t.TempDir()
	want := k.worked(dir, 1, 10)
	config, metrics := k.config("a", dir), prometheus.NewRegistry()
	config.Registerer = metrics
	p := k.start(config)
	k.waitEscalations(append(want, k.echo(1, 10, 1)...))
	open := func() float64 { return gauge(t, metrics, "unpark_store_open_iterators") }
	if open() == 0 {
		t.Fatal("nothing was read of Pebble")
	}
	k.suspend(p, 0)
	waitFor(t, "no open table", func() error {
		if n := open(); n != 0 {
			return fmt.Errorf("%g are", n)
		}
		return nil
	})
	p.stop()
}

// A suspended partition is behind by more and more, and so is what has fallen due in it.
func TestSuspendedPartitionIsBehind(t *testing.T) {
	k := newKafka(t, 1)
	config, metrics := k.config("a", t.TempDir()), prometheus.NewRegistry()
	config.Registerer = metrics
	p := k.start(config)
	p.waitReady()
	k.produce(0, encode(eventInput("due", time.Now().Add(4*time.Second).UnixMilli())))
	k.waitEscalations(k.echo(1, 0, 5)) // so that one is in the state
	k.suspend(p, 0)
	for name, least := range map[string]float64{
		"unpark_stream_lag_records": 1, "unpark_stream_behind_seconds": 3, "unpark_stream_overdue_seconds": 0.1,
	} {
		waitFor(t, name, func() error {
			if v := gauge(t, metrics, name); v < least {
				return fmt.Errorf("%g", v)
			}
			return nil
		})
	}
	p.stop()
}

func gauge(t *testing.T, from prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

func TestRunnersSuspend(t *testing.T) {
	k := newKafka(t, 2)
	p := k.start(k.config("a", t.TempDir()))
	want := k.echo(2, 0, 10)
	k.waitEscalations(want)
	k.suspend(p, 1)
	wantError(t, p.runners.Ready(), "offset", "newer unpark")
	for _, v := range k.echo(2, 10, 10) {
		if strings.HasPrefix(v, "c0") {
			want = append(want, v)
		}
	}
	k.waitEscalations(want)
	p.stop()
	k.checkEscalations(want)
}

// A partition that must ask somebody who does not answer stands until he does; the
// others go on.
func TestRunnersUnavailable(t *testing.T) {
	k := newKafka(t, 2)
	var down atomic.Bool
	down.Store(true)
	p := k.startWith(k.config("a", t.TempDir()), func() *toy {
		h := newToy()
		h.down = &down
		return h
	})
	want := k.echo(2, 0, 10)
	k.waitEscalations(want)

	asks := eventInput("c1", 0)
	asks.GetEvent().Direction = askDirection
	k.produce(1, encode(asks))
	p.suspended("partition 1 is suspended: process offset")
	wantError(t, p.runners.Ready(), "nobody answers")
	for _, v := range k.echo(2, 10, 10) {
		if strings.HasPrefix(v, "c0") {
			want = append(want, v)
		}
	}
	k.waitEscalations(want)

	down.Store(false)
	for i := range 11 { // the one that asks, and those behind it
		want = append(want, fmt.Sprintf("c1#%d", 11+i))
	}
	k.waitEscalations(want)
	p.waitReady()
	p.stop()
	k.checkEscalations(want)
}

func TestRunnersDeadLetters(t *testing.T) {
	k := newKafka(t, 1)
	p := k.start(k.config("a", t.TempDir()))
	k.produce(0, []byte("{garbage"))
	want := k.echo(1, 0, 1)
	k.waitEscalations(want)
	p.stop()
	recs := k.read(schemas.DeadLetters)
	if len(recs) != 1 || len(recs[0].Value) != 0 || string(recs[0].Key) != "k" {
		t.Errorf("dead letters %v, want one with a key and no value", recs)
	}
}
