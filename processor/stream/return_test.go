package stream

import (
	"errors"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"unpark/internal/crashfs"
	"unpark/processor/store"
	"unpark/schemas"
)

// A partition that comes back goes on from what was left of it on disk, unless
// that is so old that deletions may have been compacted away.
func TestRunnersPartitionReturns(t *testing.T) {
	k := newKafka(t, 2)
	dir := t.TempDir()
	a := k.start(k.config("a", dir))
	want := k.echo(2, 0, 40)
	k.waitEscalations(want)
	b := k.start(k.config("b", t.TempDir()))
	b.owns(1)
	want = append(want, k.echo(2, 40, 10)...)
	k.waitEscalations(want)
	b.stop()
	k.leave("b")
	want = append(want, k.echo(2, 50, 10)...)
	k.waitEscalations(want)
	a.stop()
	restored, all := value(t, a.runners.metrics.restored), len(k.read(schemas.SLAChangelog))
	if full := value(t, a.runners.metrics.fullRestores); full != 0 || restored == 0 || restored > float64(all)/2 {
		t.Errorf("%v records of %d restored, %v times in full; want those of b alone", restored, all, full)
	}

	k.alter(schemas.SLAChangelog, "delete.retention.ms", "1")
	a = k.start(k.config("a", dir))
	want = append(want, k.echo(2, 60, 10)...)
	k.waitEscalations(want)
	a.stop()
	if full := value(t, a.runners.metrics.fullRestores); full != 2 {
		t.Errorf("%v restores in full, want 2: the state was too old to build upon", full)
	}
	k.checkEscalations(want)
}

func value(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	var d dto.Metric
	if err := m.Write(&d); err != nil {
		t.Fatal(err)
	}
	return d.Counter.GetValue()
}

// A machine that is lost within a restore, or within a flush of what is restored,
// restores the rest; nothing is missing in the end, and nothing starts over.
func TestRestoreCrash(t *testing.T) {
	k := newKafka(t, 2)
	kept := t.TempDir()
	p := k.start(k.config("a", kept))
	var want []string
	for round := range 5 {
		want = append(want, k.echo(2, 20*round, 20)...)
		k.waitEscalations(want)
	}
	p.stop()
	fs := crashfs.New()
	var mu sync.Mutex
	var crashes []*crashfs.FS
	s, err := store.Open("data", store.Options{FS: fs, FlushInterval: 1, Step: func(string) {
		mu.Lock()
		defer mu.Unlock()
		crashes = append(crashes, fs.Crash(vfs.CrashCloneCfg{}))
	}})
	if err != nil {
		t.Fatal(err)
	}
	k.restored(s)
	if len(crashes) < 4 { // two of each partition
		t.Fatalf("%d steps of a flush", len(crashes))
	}
	reference := dump(t, kept)
	for i, fs := range crashes {
		s, err := store.Open("data", store.Options{FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		full := k.restored(s)
		if s, err = store.Open("data", store.Options{FS: fs}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(reference, dumpStore(t, s)); diff != "" || full != 0 {
			t.Errorf("crash %d: %v restores in full, state (-kept +restored):\n%s", i, full, diff)
		}
	}
}

// restored runs a process on the store until it is ready, closes the store, and
// returns how often it restored in full.
func (k *kafka) restored(s *store.Store) float64 {
	k.t.Helper()
	cfg := k.config("a", "")
	cfg.Store = s
	p := k.start(cfg)
	p.waitReady()
	p.stop()
	if err := errors.Join(p.err, s.Close()); err != nil {
		k.t.Fatal(err)
	}
	return value(k.t.(*testing.T), p.runners.metrics.fullRestores)
}
