package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/schemas"
)

// bench drives an outbox in a synctest bubble, where waits are exact and take no
// time. What it writes to the ledger is written at once.
type bench struct {
	*workers
	t        *testing.T
	outbox   *outbox
	notifier Notifier
	books    []*book // one a partition
	start    time.Time
	cancel   context.CancelFunc

	mu    sync.Mutex
	log   []event
	topic []*kgo.Record // the ledger's
	n     int
}

// event is what happened, and when.
type event struct {
	After time.Duration
	What  string
}

const benchRules = `{"id":"org-1","timezone":"UTC","routes":{"managers":{"to":[{"webhook":{"url":"https://x"}}],"group":{"above":3,"within":"1m"},"repeat":"1h"}}}`

func newBench(t *testing.T, c Config, n *scripted) *bench {
	b := &bench{t: t, start: time.Now(), notifier: n}
	n.note = b.note
	rules := newRulebook(&fakeConfigs{newest: map[string]string{"org-1": benchRules}})
	b.workers = &workers{
		config: c.withDefaults(""), metrics: newMetrics(prometheus.NewRegistry()), rules: rules, clock: clock.Real(),
		bury: func(_ *book, e *entry, why *Error, done func()) {
			b.note("dead " + e.Conversation + " " + why.Reason)
			done()
		},
		told: func(string, *entry, Kind, time.Time) {}, trouble: func(string, *entry, *Error) {},
	}
	b.stop, b.cancel = context.WithCancel(context.Background())
	b.open(0, 1)
	return b
}

// open is a new process, which takes some partitions and reads what the ledger says
// of them.
func (b *bench) open(partitions ...int32) {
	shelf, err := openShelf("", slog.New(slog.DiscardHandler))
	if err != nil {
		b.t.Fatal(err)
	}
	b.outbox = newOutbox(b.workers, b.rules.target("org-1/managers/0"), b.notifier)
	b.outbox.breaker.backoff.RandomizationFactor = 0 // waits of 1 s, 2 s, 4 s...
	l := &ledger{
		shelf: shelf, log: slog.New(slog.DiscardHandler), failed: make(chan error, 1), books: map[int32]*book{}, produce: b.produce,
		send: func(book *book, id entryID, _ string) { b.outbox.push(item{book, id}) },
	}
	b.books = nil
	for _, p := range partitions {
		book := newBook(l, newWindow("t", p))
		b.books = append(b.books, book)
		l.books[p] = book
	}
	for _, r := range b.topic {
		if book := l.books[r.Partition]; book != nil {
			book.take(r)
		}
	}
	for _, book := range b.books {
		book.fill()
	}
}

// restart ends the process and lets the next one take some partitions.
func (b *bench) restart(partitions ...int32) {
	for _, book := range b.books {
		book.close()
	}
	b.wait.Wait()
	if err := b.books[0].ledger.shelf.close(); err != nil {
		b.t.Error(err)
	}
	b.open(partitions...)
}

func (b *bench) produce(_ context.Context, r *kgo.Record, then func(*kgo.Record, error)) {
	b.mu.Lock()
	r.Offset = int64(len(b.topic))
	b.topic = append(b.topic, r)
	b.mu.Unlock()
	then(r, nil)
}

// bookOf is that of the conversation's partition: a and c lie in one, b and d in
// the other; nil if it is not ours.
func (b *bench) bookOf(conversation string) *book {
	return b.books[0].ledger.books[int32(conversation[0]-'a')%2]
}

func (b *bench) note(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = append(b.log, event{time.Since(b.start).Round(time.Millisecond), what})
}

// raise opens entries and hands them over.
func (b *bench) raise(names ...string) {
	for _, name := range names {
		e := fridayCase(b.t)
		b.n++
		e.ID, e.Conversation, e.At = fmt.Sprintf("%032x", b.n), name, instantOf(time.Now())
		value, _ := schemas.EncodeEscalation(&e)
		one := &entry{
			State: schemas.DeliveryPending, Escalation: e.ID, Org: "org-1", Conversation: name, Destination: "org-1/managers/0",
			Status: schemas.StatusRaised, Since: e.At, RaisedAt: e.At, Record: value,
		}
		book := b.bookOf(name)
		book.add(one, func(error) { b.outbox.push(item{book, idOf(one.Escalation, one.Destination)}) })
	}
}

// end clears the alerts of a conversation.
func (b *bench) end(name string) { b.become(name, schemas.StatusCleared) }

func (b *bench) become(name, status string) {
	book := b.bookOf(name)
	for _, id := range book.ids(name, "") {
		book.change(id, func(e *entry) bool { return follow(e, status, e.Record, 1, time.Now()) },
			func(error) { b.outbox.push(item{book, id}) })
	}
}

func (b *bench) want(want ...event) {
	b.t.Helper()
	b.wait.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if diff := cmp.Diff(want, b.log); diff != "" {
		b.t.Error(diff)
	}
}

func (b *bench) close() {
	b.cancel()
	b.wait.Wait()
	if err := b.books[0].ledger.shelf.close(); err != nil {
		b.t.Error(err)
	}
}

// scripted is a destination that gives these answers, then takes everything.
type scripted struct {
	can     Capabilities
	answers []error
	note    func(string)
	told    int
	before  func() // is called before each answer; nil: nothing
}

func (s *scripted) Capabilities() Capabilities { return s.can }

func (s *scripted) Notify(_ context.Context, m Message) (Reference, error) {
	if s.before != nil {
		s.before()
	}
	if len(s.answers) > 0 {
		err := s.answers[0]
		s.answers = s.answers[1:]
		if err != nil {
			return "", err
		}
	}
	if m.Kind == Digest {
		s.note(fmt.Sprintf("digest of %d, %d cleared, late %v, over %q", m.Digest.Raised, m.Digest.Cleared, m.Digest.Late, m.Reference))
		return "digest-message", nil
	}
	s.told++
	s.note(strings.TrimSpace(fmt.Sprintf("%s %s %s", m.Kind, m.Escalation.Conversation, m.Reference)))
	return Reference(fmt.Sprintf("m%d", s.told)), nil
}

func inBubble(t *testing.T, c Config, n *scripted, f func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c, n)
		defer b.close()
		f(b)
	})
}

const s = time.Second

func TestOutboxBacksOffAndKeepsOrder(t *testing.T) {
	inBubble(t, Config{}, &scripted{answers: []error{errDown, errDown, errDown}}, func(b *bench) {
		b.raise("a", "b", "c")
		b.want(event{7 * s, "alert a"}, event{7 * s, "alert b"}, event{7 * s, "alert c"})
	})
}

func TestOutboxObeysRetryAfter(t *testing.T) {
	slow := &Error{Reason: "http_429", RetryAfter: 42 * time.Second, Err: errors.New("slow down")}
	inBubble(t, Config{}, &scripted{answers: []error{slow}}, func(b *bench) {
		b.raise("a", "b")
		b.want(event{42 * s, "alert a"}, event{42 * s, "alert b"})
	})
}

func TestOutboxIsNotSilencedByOneAnswer(t *testing.T) {
	for24h := &Error{Reason: "http_429", RetryAfter: 24 * time.Hour, Err: errors.New("slow down")}
	inBubble(t, Config{}, &scripted{answers: []error{for24h}}, func(b *bench) {
		b.raise("a")
		b.want(event{time.Hour, "alert a"})
	})
}

func TestOutboxGivesUp(t *testing.T) {
	down := make([]error, 4)
	for i := range down {
		down[i] = errDown
	}
	inBubble(t, Config{GiveUp: schemas.Duration(10 * s)}, &scripted{answers: down}, func(b *bench) {
		b.raise("a", "b") // tried at 0, 1, 3, 7; the next would be at 15
		time.Sleep(8 * s)
		b.raise("c")
		b.want(event{7 * s, "dead a down"}, event{7 * s, "dead b down"}, event{15 * s, "alert c"})
	})
}

// What is said of an old alert has as long as a new one, from when there was something to
// say: the reminder at the end of a snooze may be the only one.
func TestOutboxTriesWhatIsSaidOfAnOldAlert(t *testing.T) {
	n := &scripted{can: Capabilities{Kinds: everything, Update: true}}
	inBubble(t, Config{GiveUp: schemas.Duration(time.Hour)}, n, func(b *bench) {
		b.raise("a")
		b.pass(90 * time.Minute)
		n.answers = []error{errDown}
		b.does(Interaction{Conversation: "a", By: "Ada", Snooze: 40 * time.Hour})
		n.answers = []error{errDown}
		b.pass(40*time.Hour + time.Minute)
		b.want(event{0, "alert a"}, event{time.Hour, "remind a m1"}, event{90*time.Minute + s, "snooze a m2"},
			event{41*time.Hour + 30*time.Minute + 2*s, "remind a m3"})
	})
}

func TestOutboxPermanentIsNotRetried(t *testing.T) {
	inBubble(t, Config{}, &scripted{answers: []error{Permanent("refused", errors.New("no"))}}, func(b *bench) {
		b.raise("a", "b")
		b.want(event{0, "dead a refused"}, event{0, "alert b"})
	})
}

func TestOutboxKeepsTheRate(t *testing.T) {
	inBubble(t, Config{}, &scripted{can: Capabilities{Every: s, Burst: 1}}, func(b *bench) {
		b.raise("a", "b", "c")
		b.want(event{0, "alert a"}, event{s, "alert b"}, event{2 * s, "alert c"})
	})
}

// The count of dead letters is there before the first one, also for what a destination
// says in its own words, if that is tried again.
func TestOutboxCountsFromZero(t *testing.T) {
	inBubble(t, Config{}, &scripted{answers: []error{errDown}}, func(b *bench) {
		known := testutil.CollectAndCount(b.metrics.deadLetters)
		if known != len(reasons) {
			t.Errorf("%d series at the start, want one for each of %d reasons", known, len(reasons))
		}
		b.raise("a")
		b.want(event{s, "alert a"})
		if n := testutil.CollectAndCount(b.metrics.deadLetters); n != known+1 {
			t.Errorf("%d series after a failure, want one more than %d", n, known)
		}
		if n := testutil.CollectAndCount(b.metrics.escalations); n != 4 {
			t.Errorf("%d outcomes of escalations, want four", n)
		}
	})
}

func TestOutboxOpensTheCircuit(t *testing.T) {
	down := make([]error, 6)
	for i := range down {
		down[i] = errDown
	}
	inBubble(t, Config{}, &scripted{answers: down}, func(b *bench) {
		b.raise("a")
		time.Sleep(10 * s) // tried at 0, 1, 3, 7
		if n := b.outbox.note(); n != "" {
			t.Errorf("after four failures: %s", n)
		}
		time.Sleep(6 * s)
		if n := b.outbox.note(); !strings.Contains(n, "circuit open: org-1/managers/0 fails since") || !strings.Contains(n, "(down), 1 wait") {
			t.Errorf("after five failures: %q", n)
		}
		b.wait.Wait()
		if n := b.outbox.note(); n != "" {
			t.Errorf("after it was told: %s", n)
		}
	})
}

// A partition may be lost while a destination takes longer to answer than is waited
// for: that holds up nothing of the others.
func TestOutboxLosesAPartitionWhileItTells(t *testing.T) {
	n := &scripted{}
	inBubble(t, Config{}, n, func(b *bench) {
		n.before = func() {
			n.before = nil
			b.books[0].close()
			if err := b.books[0].ledger.shelf.dropPartition(0); err != nil {
				t.Error(err)
			}
		}
		b.raise("a", "b")
		b.want(event{0, "alert a"}, event{0, "alert b"})
	})
}

// What was cleared while it waited is never told; what was told is told its end,
// with the reference.
func TestOutboxFollowsAlerts(t *testing.T) {
	inBubble(t, Config{}, &scripted{can: Capabilities{Kinds: everything, Update: true}, answers: []error{nil, errDown}}, func(b *bench) {
		b.raise("a")
		b.wait.Wait()
		b.raise("b", "c")
		synctest.Wait()
		b.end("b")
		b.end("a")
		b.want(event{0, "alert a"}, event{s, "alert c"}, event{s, "clear a m1"})
		for name, state := range map[string]string{"a": schemas.DeliverySent, "b": schemas.DeliveryCancelled, "c": schemas.DeliverySent} {
			for _, id := range b.bookOf(name).ids(name, "") {
				if e := b.bookOf(name).load(id); e.State != state {
					t.Errorf("%s is %s, want %s", name, e.State, state)
				}
			}
		}
	})
}

// An alert that stood for months is told its end where it was told.
func TestOutboxEndsWhatStoodForLong(t *testing.T) {
	inBubble(t, Config{}, &scripted{can: Capabilities{Kinds: KindsOf(Clear), Update: true}}, func(b *bench) {
		b.raise("a")
		b.pass(60 * 24 * time.Hour)
		b.restart(0, 1) // the topic is read again
		b.end("a")
		b.want(event{0, "alert a"}, event{60 * 24 * time.Hour, "clear a m1"})
	})
}

// After an outage one digest says what fell due meanwhile.
func TestOutboxAfterAnOutage(t *testing.T) {
	long := &Error{Reason: "down", RetryAfter: 5 * time.Minute, Err: errors.New("down")}
	inBubble(t, Config{}, &scripted{can: Capabilities{Kinds: everything, Update: true}, answers: []error{long}}, func(b *bench) {
		b.raise("a", "b")
		time.Sleep(s)
		b.raise("c")
		b.end("a")
		b.want(event{301 * s, `digest of 2, 0 cleared, late true, over ""`})
	})
}

// pass lets time pass, as a notifier sees it: it looks once a minute.
func (b *bench) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Minute) {
		now := time.Now()
		for _, book := range b.books {
			book.wake(now, func(e *entry) habit { return b.rules.habit(e, now) })
		}
	}
	b.wait.Wait()
}

// does is what a person does about a conversation, by a button or a command.
func (b *bench) does(i Interaction) {
	b.t.Helper()
	c, err := i.command(time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	value, err := encodeCommand(c)
	if err != nil {
		b.t.Fatal(err)
	}
	book := b.bookOf(i.Conversation)
	r := &kgo.Record{Partition: book.partition, Key: []byte(c.Key()), Value: value}
	b.topic = append(b.topic, r)
	book.take(r)
	b.wait.Wait()
}

// An alert is repeated until somebody takes it on or it is over; whoever comes next
// knows who has, and until when that holds.
func TestOutboxRemindsOverRestarts(t *testing.T) {
	inBubble(t, Config{}, &scripted{can: Capabilities{Kinds: everything, Update: true}}, func(b *bench) {
		b.raise("a")
		b.pass(2*time.Hour + 30*time.Minute)
		b.does(Interaction{Conversation: "a", By: "Ada", Snooze: 4 * time.Hour})
		b.restart(0, 1)
		b.pass(5 * time.Hour) // until 7:30
		b.does(Interaction{Conversation: "a", By: "Ada"})
		b.restart(0, 1)
		b.pass(25 * time.Hour) // it holds for a day, until 31:30
		b.restart(0, 1)
		b.end("a")
		b.pass(3 * time.Hour)
		b.want(event{0, "alert a"}, event{time.Hour, "remind a m1"}, event{2 * time.Hour, "remind a m2"},
			event{2*time.Hour + 30*time.Minute, "snooze a m3"}, event{6*time.Hour + 30*time.Minute, "remind a m4"},
			event{7*time.Hour + 30*time.Minute, "acknowledge a m5"}, event{31*time.Hour + 30*time.Minute, "remind a m6"},
			event{32*time.Hour + 30*time.Minute, "clear a m7"})
	})
}
