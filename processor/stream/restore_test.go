package stream

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/processor/store"
	"unpark/schemas"
)

func TestRunnersRestoreEqualsState(t *testing.T) {
	k := newKafka(t, 2)
	kept := t.TempDir()
	p := k.start(k.config("a", kept))
	far := time.Now().Add(time.Hour).UnixMilli()
	for i := range 20 {
		k.produce(int32(i%2), encode(eventInput(fmt.Sprintf("far%d", i%7), far-int64(i))))
	}
	want := k.echo(2, 0, 10)
	k.waitEscalations(want)
	p.stop()
	fresh := t.TempDir()
	p = k.start(k.config("a", fresh))
	p.waitReady()
	p.stop()
	got, old := dump(t, fresh), dump(t, kept)
	if len(got) == 0 {
		t.Error("nothing was restored")
	}
	for key := range old {
		if strings.HasPrefix(key, "due") && got[key] == "" {
			delete(old, key) // stale entries are not restored
		}
	}
	if diff := cmp.Diff(old, got); diff != "" {
		t.Errorf("state after a restore (-kept +restored):\n%s", diff)
	}
}

// dump returns all that a data dir holds, but where it stands.
func dump(t *testing.T, dir string) map[string]string {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return dumpStore(t, s)
}

// dumpStore returns all that a store holds, but where it stands, and closes it.
func dumpStore(t *testing.T, s *store.Store) map[string]string {
	t.Helper()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	all := make(map[string]string)
	for id := range int32(2) {
		p := s.Partition(id)
		err := p.Scan(nil, nil, func(key, value []byte) bool {
			all[fmt.Sprintf("%d %s", id, key)] = string(value)
			if at, ok, err := newToy().Deadline(key, value); ok && err == nil {
				all[fmt.Sprintf("want %d %d %s", id, at, key)] = "set"
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		walk, err := p.Deadlines(store.Deadline{})
		if err != nil {
			t.Fatal(err)
		}
		for h, ok := walk.Head(); ok; h, ok = walk.Head() {
			key := fmt.Sprintf("%d %d %s", id, h.At, h.Key)
			delete(all, "want "+key)
			all["due "+key] = "set"
			walk.Advance()
		}
		if err := walk.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for key := range all {
		if strings.HasPrefix(key, "want") {
			t.Errorf("the index lacks %s", key)
		}
	}
	return all
}

// A restore that is interrupted time and again takes long, and what it read first may
// be deleted further on in a record that is compacted away before it comes there: its
// state is as old as its beginning until it is at the end.
func TestRestoreAges(t *testing.T) {
	b := newBench(t)
	b.event("a", 20)
	b.commit()
	b.close()
	p := b.store.Partition(1)
	rs := &restorer{runner: &runner{Runners: &Runners{metrics: b.metrics(), cluster: &cluster{partitions: 12}}}, store: p, handler: newToy()}
	begun := time.Now().Add(-time.Hour).UnixMilli()
	rs.pos.WrittenAt = begun
	var c chunk
	for i, change := range b.log {
		c.records = append(c.records, &kgo.Record{Offset: int64(i), Key: change.Key, Value: change.Value})
	}
	p.BeginRestore(rs.index)
	for _, end := range []bool{false, true} {
		err := rs.apply(c)
		if end {
			err = errors.Join(err, p.EndRestore(), rs.finish())
		}
		pos, ok, perr := p.Position()
		if err = errors.Join(err, perr); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if fresh := pos.WrittenAt > begun; fresh != end {
			t.Errorf("at the end %v: written at %d, begun at %d", end, pos.WrittenAt, begun)
		}
	}
	b.openOn(p)
}

// A fetch from where a marker stands goes on behind it: a restore that knew only
// records would wait for one there for ever.
func TestFetchCountsMarkers(t *testing.T) {
	k := newKafka(t, 1)
	topic := schemas.SLAChangelog.Name(k.prefix)
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.seeds...), kgo.TransactionalID(k.prefix+"markers"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	m, err := k.admin.Metadata(k.ctx(), topic)
	if err != nil {
		t.Fatal(err)
	}
	f := fetcher{client: k.cl, admin: k.admin, topic: topic, topicID: m.Topics[topic].ID}
	for _, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		rec := &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("v")}
		if err := errors.Join(cl.ProduceSync(k.ctx(), rec).FirstErr(), cl.EndTransaction(k.ctx(), commit)); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the marker", func() error {
			ends, err := k.admin.ListCommittedOffsets(k.ctx(), topic)
			if o, ok := ends.Lookup(topic, 0); err == nil && (!ok || o.Offset != rec.Offset+2) {
				return fmt.Errorf("stable up to %d", o.Offset)
			}
			return err
		})
		for _, from := range []int64{rec.Offset, rec.Offset + 1} {
			c, err := f.fetch(k.ctx(), from)
			if err != nil {
				t.Fatal(err)
			}
			if c.next != rec.Offset+2 {
				t.Errorf("committed %v: a fetch from %d goes on at %d, want %d, behind the marker", bool(commit), from, c.next, rec.Offset+2)
			}
		}
	}
}

// gate keeps the n-th answer to a fetch that brings something to itself until it is
// opened. There are others: a group that stands at the end of its input has none.
type gate struct {
	n       int64
	fetches atomic.Int64
	opened  chan struct{}
	open    func()
}

func newGate(n int64) *gate {
	g := &gate{n: n, opened: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.opened) })
	return g
}

func (g *gate) OnBrokerRead(_ kgo.BrokerMetadata, key int16, bytes int, _, _ time.Duration, _ error) {
	if kmsg.Key(key) == kmsg.Fetch && bytes > 64<<10 && g.fetches.Add(1) == g.n {
		<-g.opened
	}
}

// The brokers compact the changelog while it is read: behind the restore and ahead
// of it records vanish that newer ones replace, and with them the meta record that a
// restore which is stopped there, and begins again, stands for. What is missing then
// is not missed.
func TestRunnersCompactedDuringRestore(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		t.Run(fmt.Sprintf("stopped %v", stopped), func(t *testing.T) {
			k := newKafka(t, 0)
			k.cleanOften()
			k.connect(1)
			k.alter(schemas.SLAChangelog, "cleanup.policy", "delete") // for now
			k.alter(schemas.SLAChangelog, "segment.bytes", "1048576")
			k.fill(8)
			before := k.changelogOffsets()

			var said logged
			dir, g := t.TempDir(), newGate(2)
			cfg := k.config("a", dir)
			cfg.Logger, cfg.Kafka = said.logger(t), append(cfg.Kafka, kgo.WithHooks(g))
			p := k.start(cfg)
			t.Cleanup(g.open) // or the process could not be stopped
			waitFor(t, "what the first fetch brought to be applied", func() error {
				if value(t, p.runners.metrics.restored) == 0 {
					return errors.New("nothing is")
				}
				return nil
			})
			restored := int(value(t, p.runners.metrics.restored))
			if restored > len(before)/3 {
				t.Fatalf("%d of %d records in the first fetch: too few are left", restored, len(before))
			}
			k.alter(schemas.SLAChangelog, "cleanup.policy", "compact")
			k.waitCompacted(before, restored)
			if stopped {
				p.cancel()
			}
			g.open()
			if stopped {
				p.stop()
				cfg = k.config("a", dir)
				cfg.Logger = said.logger(t)
				p = k.start(cfg)
			}
			p.waitReady()
			p.stop()
			if full := value(t, p.runners.metrics.fullRestores); full != 0 || said.has("level=ERROR") || said.has("recovery failed") {
				t.Errorf("%v restores in full, want none and no complaints", full)
			}
			sameState(t, k.replayed(), dump(t, dir))
		})
	}
}

// cleanOften has the brokers look for what can be compacted all the time.
func (k *kafka) cleanOften() {
	k.t.Helper()
	often := "20"
	rs, err := k.admin.AlterBrokerConfigs(k.ctx(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "log.cleaner.backoff.ms", Value: &often}})
	for _, r := range rs {
		err = errors.Join(err, r.Err)
	}
	if err != nil {
		k.t.Fatal(err)
	}
}

// fill runs a process through rounds of changes, a megabyte each: most replace
// earlier ones, and some states are deleted.
func (k *kafka) fill(rounds int) {
	k.t.Helper()
	// The first record of the changelog is never replaced: the embedded broker would
	// move the log's start to the next, as no other does.
	k.pad("first")
	p := k.start(k.config("a", k.t.TempDir()))
	for round := range rounds {
		var keys []string
		for i := range 9 {
			keys = append(keys, fmt.Sprintf("p%d", (5*round+i)%20))
		}
		k.pad(append(keys, fmt.Sprintf("gone%d", round))...)
		if round > 1 {
			in := eventInput(fmt.Sprintf("gone%d", round-2), 0)
			in.GetEvent().Direction = forgetDirection
			k.produce(0, encode(in))
		}
		said := k.echo(1, round, 1)[0]
		waitFor(k.t, said, func() error {
			if !slices.Contains(k.values(schemas.Escalations), said) {
				return errors.New("not said")
			}
			return nil
		})
	}
	p.stop()
}

// pad gives conversations states of a hundred kilobytes that do not compress.
func (k *kafka) pad(conversations ...string) {
	k.t.Helper()
	var recs []*kgo.Record
	for _, c := range conversations {
		in := eventInput(c, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
		noise := make([]byte, 50_000)
		_, _ = rand.Read(noise) // never fails
		in.GetEvent().Direction, in.GetEvent().DivisionId = padDirection, hex.EncodeToString(noise)
		recs = append(recs, &kgo.Record{Topic: schemas.ConversationEvents.Name(k.prefix), Value: encode(in)})
	}
	if err := k.cl.ProduceSync(k.ctx(), recs...).FirstErr(); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kafka) changelogOffsets() []int64 {
	k.t.Helper()
	var all []int64
	for _, rec := range k.read(schemas.SLAChangelog) {
		all = append(all, rec.Offset)
	}
	return all
}

// waitCompacted waits until records are gone that lie behind a restore that has
// come to the record n, and far ahead of it.
func (k *kafka) waitCompacted(before []int64, n int) {
	k.t.Helper()
	waitFor(k.t, "records to vanish", func() error {
		left := k.changelogOffsets()
		gone := func(offsets []int64) bool {
			return slices.ContainsFunc(offsets, func(o int64) bool { return !slices.Contains(left, o) })
		}
		if behind, ahead := gone(before[:n]), gone(before[2*len(before)/3:]); !behind || !ahead {
			return fmt.Errorf("%d of %d are left; gone behind: %v, ahead: %v", len(left), len(before), behind, ahead)
		}
		return nil
	})
}

// replayed returns the state after the whole input, without the changelog.
func (k *kafka) replayed() map[string]string {
	k.t.Helper()
	s, err := store.OpenMemory()
	if err != nil {
		k.t.Fatal(err)
	}
	task, err := NewTask(TaskConfig{Partitions: 1, Topic: schemas.ConversationEvents.Name(k.prefix), Store: s.Partition(0), Handler: newToy()})
	if err != nil {
		k.t.Fatal(err)
	}
	for _, rec := range k.read(schemas.ConversationEvents) {
		if err := task.Apply(Record{Offset: rec.Offset, AppendTime: rec.Timestamp.UnixMilli(), Key: rec.Key, Value: rec.Value}); err != nil {
			k.t.Fatal(err)
		}
	}
	_, err = task.Flush()
	if err := errors.Join(err, task.Commit(1), task.Close()); err != nil {
		k.t.Fatal(err)
	}
	return dumpStore(k.t.(*testing.T), s)
}

// sameState compares dumps whose values are too long to print. Of the deadlines
// dump has checked that none is missing; stale ones may be left.
func sameState(t *testing.T, want, got map[string]string) {
	t.Helper()
	for _, all := range []map[string]string{want, got} {
		maps.DeleteFunc(all, func(key, _ string) bool { return strings.HasPrefix(key, "due") })
	}
	if len(want) == 0 {
		t.Error("there is no state")
	}
	for key, v := range want {
		if w, ok := got[key]; !ok || v != w {
			t.Errorf("%q: %d bytes (there: %v), want %d", key, len(w), ok, len(v))
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%q is too much", key)
		}
	}
}
