package stream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/processor/store"
	"unpark/schemas"
)

// logged is what a process says, for a test that looks for a decision that
// leaves no other trace.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) has(words string) bool { return l.count(words) > 0 }

func (l *logged) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), words)
}

func (l *logged) logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), l), nil))
}

// A data dir that is copied to another host is what it was when it was copied:
// the rest comes from the changelog.
func TestRunnersDirCopied(t *testing.T) {
	k := newKafka(t, 2)
	dir, copied := t.TempDir(), t.TempDir()
	want := k.worked(dir, 2, 30)
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	a := k.start(k.config("a", dir))
	want = append(want, k.echo(2, 30, 30)...)
	k.waitEscalations(want)
	a.stop()

	var said logged
	cfg := k.config("b", copied)
	cfg.Logger = said.logger(t)
	b := k.start(cfg)
	want = append(want, k.echo(2, 60, 30)...)
	k.waitEscalations(want)
	b.stop()
	k.checkEscalations(want)
	if said.has("restoring in full") {
		t.Error("restored in full, though the changelog goes on from the copy")
	}
}

// Deletions that a compacted changelog has forgotten would come back with local
// state that is too old.
func TestRunnersOldLocalState(t *testing.T) {
	k := newKafka(t, 1)
	dir := t.TempDir()
	want := k.worked(dir, 1, 30)
	k.alter(schemas.SLAChangelog, "delete.retention.ms", "1")

	said, want := k.workedOn(dir, want)
	k.checkEscalations(want)
	if !said.has("tombstones may have been compacted away") {
		t.Error("local state older than half of delete.retention.ms was built upon")
	}
}

// Local state that was written at a time that is still to come has no age: the clock
// was ahead then.
func TestRunnersLocalStateOfTheFuture(t *testing.T) {
	k := newKafka(t, 1)
	dir := t.TempDir()
	want := k.worked(dir, 1, 30)
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := s.Partition(0)
	pos, _, err := p.Position()
	pos.WrittenAt += (24 * time.Hour).Milliseconds()
	if err := errors.Join(err, p.Commit(pos), p.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	said, _ := k.workedOn(dir, want)
	if !said.has("nobody knows how old the state is") {
		t.Error("local state that was written in the future was built upon")
	}
}

// Topics that are deleted and made again under the same names are other topics:
// what a data dir knows of the old ones is not used, and is said.
func TestRunnersTopicsMadeAgain(t *testing.T) {
	k := newKafka(t, 2)
	dir := t.TempDir()
	k.worked(dir, 2, 30)
	for _, topic := range schemas.Topics() {
		if _, err := k.admin.DeleteTopic(k.ctx(), topic.Name(k.prefix)); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "the static member to be given up", func() error {
		_, err := k.admin.DeleteGroup(k.ctx(), k.group())
		return err
	})
	k.connect(2) // the client of before knows the old ids

	var said logged
	cfg := k.config("a", dir)
	cfg.Logger = said.logger(t)
	a := k.start(cfg)
	want := k.echo(2, 0, 30) // the counts begin anew
	waitFor(t, "escalations on the new topic", func() error {
		if got := len(k.values(schemas.Escalations)); got != len(want) {
			return fmt.Errorf("%d of %d", got, len(want))
		}
		return nil
	})
	a.stop()
	k.checkEscalations(want)
	if !said.has("the changelog is another one") {
		t.Error("the old state was not said to be of another changelog")
	}
}

// A broker that is killed while it writes the markers of a transaction may come
// back without them: the process has been told that all was committed, and to
// the topics it never was. What local state holds of it is taken back and done
// again.
func TestRunnersCommitLost(t *testing.T) {
	k := newFake(t, 2)
	var said logged
	cfg := k.config("a", t.TempDir())
	cfg.Logger = said.logger(t)
	a := k.start(cfg)
	want := k.echo(2, 0, 20)
	k.waitEscalations(want)

	var lose, lost atomic.Bool
	k.fake.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Topic: schemas.Escalations.Name(k.prefix), Count: -1,
		When: func(kmsg.Request) bool { lose.Store(true); return false },
	})
	k.fake.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		if end := req.(*kmsg.EndTxnRequest); end.Commit && lose.Load() && !lost.Swap(true) {
			end.Commit = false // the answer says committed all the same
		}
		return nil, nil, false
	})
	want = append(want, k.echo(2, 20, 20)...)
	waitFor(t, "a commit to be lost", func() error {
		if !lost.Load() {
			return errors.New("not yet")
		}
		return nil
	})
	// Something else sends the session through recovery.
	k.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: schemas.SLAChangelog.Name(k.prefix), Err: kerr.InvalidRecord, Count: 1})
	want = append(want, k.echo(2, 40, 20)...)
	k.waitEscalations(want)
	a.stop()
	k.checkEscalations(want)
	if !said.has("the brokers have lost a transaction") {
		t.Error("that a commit was lost was not said")
	}
}

// The brokers may lose the end of a transaction that they had committed, and keep it
// open for ever: the group's offset is ahead of a changelog that cannot be read to
// its end. That is said, and the partition goes on once somebody has ended it.
func TestRunnersCommitHangs(t *testing.T) {
	k := newKafka(t, 1)
	dir := t.TempDir()
	want := k.worked(dir, 1, 10)
	k.leave("a")
	k.echo(1, 10, 5) // taken in by the transaction that hangs
	hanging := k.openMeta()
	defer hanging.Close()

	var said logged
	cfg := k.config("a", dir)
	cfg.Logger = said.logger(t)
	r, err := New(cfg, func(int32) Handler { return newToy() })
	if err != nil {
		t.Fatal(err)
	}
	r.patience = 100 * time.Millisecond
	a := k.run(r)
	waitFor(t, "the transaction to be told of", func() error {
		if !said.has("lies behind a transaction that is open") {
			return fmt.Errorf("Ready: %w", r.Ready())
		}
		return nil
	})
	if err := hanging.EndTransaction(k.ctx(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	a.waitReady()
	want = append(want, k.echo(1, 10, 10)...) // the count was not changed
	k.waitEscalations(want)
	a.stop()
	if n := value(t, r.metrics.fullRestores); n != 0 {
		t.Errorf("%v restores in full", n)
	}
}

// openMeta takes the group to the end of the input, and writes the meta record that
// goes with it in a transaction of partition 0, which it leaves open.
func (k *kafka) openMeta() *kgo.Client {
	k.t.Helper()
	input, changelog := schemas.ConversationEvents.Name(k.prefix), schemas.SLAChangelog.Name(k.prefix)
	ends, err := k.admin.ListEndOffsets(k.ctx(), input)
	if err != nil {
		k.t.Fatal(err)
	}
	end, _ := ends.Lookup(input, 0)
	var meta *schemas.PartitionMeta
	for _, rec := range k.read(schemas.SLAChangelog) {
		if string(rec.Key) == string(schemas.MetaKey) {
			if meta, err = decodeMeta(rec.Value); err != nil {
				k.t.Fatal(err)
			}
		}
	}
	meta.InputPosition = end.Offset
	v, err := meta.MarshalVT()
	if err != nil {
		k.t.Fatal(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.seeds...), kgo.TransactionalID(k.prefix+"hanging"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err == nil {
		err = cl.BeginTransaction()
	}
	if err == nil {
		err = cl.ProduceSync(k.ctx(), &kgo.Record{Topic: changelog, Key: schemas.MetaKey, Value: v}).FirstErr()
	}
	if err != nil {
		k.t.Fatal(err)
	}
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: input, At: end.Offset, LeaderEpoch: -1})
	if err := k.admin.CommitAllOffsets(k.ctx(), k.group(), offsets); err != nil {
		k.t.Fatal(err)
	}
	return cl
}
