package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// A shelved is a partition of the ledger whose topic is read when the test says so.
type shelved struct {
	t     *testing.T
	dir   string
	topic []*kgo.Record
	read  int // of the topic
	// refused is what the brokers say to the next records.
	refused error
	// answer carries what the brokers say to a record that they have taken.
	answer  func(func())
	process *ledger
	*book
}

func newShelved(t *testing.T) *shelved {
	s := &shelved{t: t, dir: t.TempDir(), answer: atOnce}
	s.open()
	return s
}

// open is a new process, which reads on from where the shelf is.
func (s *shelved) open() {
	s.t.Helper()
	shelf, err := openShelf(s.dir, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	s.ledgerOf(shelf)
	s.takeOver()
}

// ledgerOf is the ledger of a process.
func (s *shelved) ledgerOf(shelf *shelf) {
	s.t.Helper()
	client, err := kgo.NewClient()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(client.Close)
	s.process = &ledger{
		client: client,
		shelf:  shelf, log: slog.New(slog.DiscardHandler), failed: make(chan error, 1), books: map[int32]*book{}, send: func(*book, entryID, string) {},
		produce: func(_ context.Context, r *kgo.Record, then func(*kgo.Record, error)) {
			if s.refused != nil {
				then(r, s.refused)
				return
			}
			r.Offset = int64(len(s.topic))
			s.topic = append(s.topic, r)
			s.answer(func() { then(r, nil) })
		},
	}
}

// holdAnswers has the brokers' answers come when arrive is called.
func (s *shelved) holdAnswers() (arrive func()) {
	var answers []func()
	s.answer = func(f func()) { answers = append(answers, f) }
	return func() {
		s.answer = atOnce
		for _, answer := range answers {
			answer()
		}
	}
}

func atOnce(f func()) { f() }

// takeOver opens the book of the partition, which the process has not, or no more.
func (s *shelved) takeOver() {
	s.t.Helper()
	s.book = newBook(s.process, newWindow("t", 0))
	s.hand = newHand(3)
	var err error
	if s.page.at, err = s.process.shelf.position(0); err != nil {
		s.t.Fatal(err)
	}
	s.read = int(s.page.at.Next)
	s.process.write(s.book, schemas.DeliveryOwner+"0", nil, nil)
	s.readOn()
}

// readOn reads the topic to its end.
func (s *shelved) readOn() {
	for s.read < len(s.topic) {
		s.readOne()
	}
}

// readOne reads the next record of the topic.
func (s *shelved) readOne() {
	if r := s.topic[s.read]; r != nil {
		s.ledger.take(s.book, r)
	}
	s.read++
}

// compact leaves of what is to be read yet the newest record of each key.
func (s *shelved) compact() {
	newest := map[string]bool{}
	for i := len(s.topic) - 1; i >= s.read; i-- {
		key := string(s.topic[i].Key)
		if newest[key] {
			s.topic[i] = nil
		}
		newest[key] = true
	}
}

// end is a stop, and what was not read is not on the shelf.
func (s *shelved) end() {
	s.t.Helper()
	s.page.close()
	if err := errors.Join(s.ledger.shelf.close()); err != nil {
		s.t.Error(err)
	}
	select {
	case err := <-s.ledger.failed:
		s.t.Error(err)
	default:
	}
}

func (s *shelved) entry(i int) *entry {
	return &entry{
		State: schemas.DeliveryPending, Escalation: fmt.Sprintf("e%d", i/2), Destination: fmt.Sprintf("d%d", i%2), Conversation: fmt.Sprintf("c%d", i/4),
		Digest: "storm", Status: schemas.StatusRaised, Record: []byte(`{}`),
	}
}

func (s *shelved) id(i int) entryID { e := s.entry(i); return idOf(e.Escalation, e.Destination) }

func (s *shelved) tell(i int) {
	s.t.Helper()
	if s.change(s.id(i), func(e *entry) bool { tell(e, Alert, "", "", 0, time.Now()); return true }, nil) == nil {
		s.t.Errorf("entry %d is not there", i)
	}
}

// states are those of the first n entries.
func (s *shelved) states(n int) (all []string) {
	for i := range n {
		if e := s.load(s.id(i)); e == nil {
			all = append(all, "")
		} else {
			all = append(all, e.State)
		}
	}
	return all
}

// What was written is found, whether it was read again or not, and by what it belongs
// to, until it is deleted.
func TestShelf(t *testing.T) {
	const entries = 20
	s := newShelved(t)
	defer s.end()
	found := func(what string, ids []entryID, err error, want int) {
		t.Helper()
		if err != nil || len(ids) != want || want > 0 && !slices.Contains(ids, s.id(4)) {
			t.Errorf("%s: %d, %v, want %d", what, len(ids), err, want)
		}
	}
	look := func(when string) {
		t.Helper()
		found("of an escalation, "+when, s.ids("c1", "e2"), nil, 2)
		found("of a conversation, "+when, s.ids("c1", ""), nil, 4)
		ids, err := s.ledger.shelf.ofDigest(0, "storm")
		found("of a digest, "+when, ids, err, entries)
		ids, err = s.ledger.shelf.ofDigest(0, "calm")
		found("of an unknown digest, "+when, ids, err, 0)
	}
	for i := range entries {
		if !s.add(s.entry(i), nil) || s.add(s.entry(i), nil) {
			t.Fatalf("entry %d was there, or is not", i)
		}
		if i%5 == 4 {
			s.readOn()
		}
		s.tell(i)
		s.tell((i + 1) / 2)
	}
	want := slices.Repeat([]string{schemas.DeliverySent}, entries)
	if diff := cmp.Diff(want, s.states(entries)); diff != "" {
		t.Errorf("before all is read: %s", diff)
	}
	look("before all is read")
	s.readOn()
	s.page.flush()
	if n := len(s.hand.held); n > 3 {
		t.Errorf("%d entries are at hand, want up to 3", n)
	}
	if diff := cmp.Diff(want, s.states(entries)); diff != "" {
		t.Errorf("once all is read: %s", diff)
	}
	look("once all is read")
	for i := 5; i < 8; i++ {
		s.discard(s.entry(i))
	}
	s.readOn()
	copy(want[5:], []string{"", "", ""})
	for range 2 { // before it is on the disk, then after
		if diff := cmp.Diff(want, s.states(entries)); diff != "" {
			t.Errorf("when some are deleted: %s", diff)
		}
		s.page.flush()
	}
	found("of a conversation that is half deleted", s.ids("c1", ""), nil, 1)
}

// A process that comes after another finds what that has read, and reads the rest;
// what the other had only in mind, because its writing never got to the topic, is
// unknown.
func TestShelfOutlivesTheProcess(t *testing.T) {
	s := newShelved(t)
	for i := range 8 {
		s.add(s.entry(i), nil)
	}
	s.tell(0)
	s.readOn()
	s.page.flush()
	s.tell(1)
	s.add(s.entry(8), nil)
	s.add(s.entry(9), nil)
	s.topic = s.topic[:len(s.topic)-1] // it dies before the brokers have the last one
	flushed := s.read
	s.end()

	s.open()
	if s.page.taken != len(s.topic)-flushed {
		t.Errorf("%d of %d records were read, want those behind %d", s.page.taken, len(s.topic), flushed)
	}
	want := append([]string{"sent", "sent"}, slices.Repeat([]string{"pending"}, 7)...)
	if diff := cmp.Diff(append(want, ""), s.states(10)); diff != "" {
		t.Error(diff)
	}
	if !s.add(s.entry(9), nil) {
		t.Error("an entry that never got to the topic is known")
	}
	s.end()
}

// What waits is told in the order in which it began to wait, whether that was read
// from the topic or found on the disk; answers are carried out once.
func TestShelfKeepsTheOrder(t *testing.T) {
	s := newShelved(t)
	for i := range 6 {
		s.add(s.entry(i), nil)
	}
	s.tell(2)
	// Something else is to be told of two that wait already, one of them on the disk.
	again := func(i int) { s.change(s.id(i), func(e *entry) bool { e.Notice = Remind.String(); return true }, nil) }
	again(0)
	s.readOn()
	s.page.flush()
	again(1)
	c := schemas.DeliveryCommand{Conversation: "c0", Mark: Mark{By: "Ada", At: 1, Until: 2}}
	value, err := encodeCommand(c)
	if err != nil {
		t.Fatal(err)
	}
	s.topic = append(s.topic, &kgo.Record{Key: []byte(c.Key()), Value: value, Offset: int64(len(s.topic))})
	for _, r := range s.topic[s.read:] {
		s.page.take(r) // and dies
	}
	s.page.flush()
	again(3) // which the next process reads
	s.end()

	var told []string
	s.open()
	f, err := s.page.filling()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range f.waiting {
		told = append(told, s.load(w.id).Key())
	}
	// The answered one waits since its answer was carried out, by the second process.
	if diff := cmp.Diff([]string{"e0/d0", "e0/d1", "e1/d1", "e2/d0", "e2/d1"}, told); diff != "" || len(f.answers) != 1 {
		t.Errorf("%d answers, %s", len(f.answers), diff)
	}
	again(4) // which was found on the disk
	s.readOn()
	s.page.flush()
	s.end()
	s.open()
	if f, err = s.page.filling(); err != nil || len(f.answers) != 0 || len(f.waiting) != 6 || f.waiting[3].id != s.id(4) || f.waiting[5].id != s.id(2) {
		t.Errorf("%d answers and %d wait, %v; want the answered one last of 6", len(f.answers), len(f.waiting), err)
	}
	s.end()
}

// A shelf that cannot be opened, or that is in doubt, is replaced by an empty one.
func TestShelfInDoubt(t *testing.T) {
	s := newShelved(t)
	s.add(s.entry(0), nil)
	s.readOn()
	s.end()
	if s.open(); s.page.at.Next == 0 || s.page.taken > 1 {
		t.Fatalf("%d records were read again", s.page.taken)
	}
	s.ledger.fail(errors.New("the disk is full"))
	<-s.ledger.failed
	s.end()
	if s.open(); s.page.taken != len(s.topic) {
		t.Errorf("%d of %d records were read after doubt", s.page.taken, len(s.topic))
	}
	s.end()
	manifests, err := filepath.Glob(filepath.Join(s.dir, "MANIFEST-*"))
	if err != nil || len(manifests) == 0 {
		t.Fatal(manifests, err)
	}
	for _, m := range manifests {
		if err := os.WriteFile(m, []byte("not a manifest"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s.open(); s.page.taken != len(s.topic) {
		t.Errorf("%d of %d records were read without a disk", s.page.taken, len(s.topic))
	}
	s.end()
}

func TestPositionThatCannotBeUsed(t *testing.T) {
	now := time.Now()
	of := source{Cluster: "c", Topic: "t1"}
	for want, change := range map[string]func(*position){
		"":                             func(*position) {},
		"nothing is kept of it":        func(p *position) { *p = position{} },
		"it is kept in another format": func(p *position) { p.Format++ },
		"the topic is another one":     func(p *position) { p.Topic = "t2" },
		"the topic starts later":       func(p *position) { p.Next = 9 },
		"the topic ends earlier":       func(p *position) { p.Next = 31 },
		"it has been kept for too long": func(p *position) {
			p.Written = now.Add(-shelfKeeps - time.Second).UnixMilli()
		},
	} {
		p := position{Format: shelfFormat, source: of, Next: 10, Written: now.UnixMilli()}
		change(&p)
		if got := p.unusable(of, 10, 30, now); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if (position{Format: shelfFormat, Next: 10, Written: now.UnixMilli()}).unusable(source{}, 10, 30, now) == "" {
		t.Error("a topic without an id is taken for the same")
	}
}

// Two processes on one folder would forget what the other has told.
func TestShelfInUse(t *testing.T) {
	dir := t.TempDir()
	first, err := openShelf(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer first.close()
	_, err = openShelf(dir, slog.New(slog.DiscardHandler))
	if want := dir + " cannot be locked, another unpark may have it open; give each process its own processor.data_dir: "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %s...", err, want)
	}
	_, err = openShelf(filepath.Join(dir, "LOCK", "ledger"), slog.New(slog.DiscardHandler))
	if want := "processor.data_dir: "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %s...", err, want)
	}
}
