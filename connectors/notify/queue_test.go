package notify

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// bench drives queues in a synctest bubble, where waits are exact and take no
// time.
type bench struct {
	*workers
	w      *window
	start  time.Time
	mu     sync.Mutex
	log    []event
	cancel context.CancelFunc
}

// event is what happened to a delivery, and when.
type event struct {
	After time.Duration
	What  string
}

func newBench(c Config) *bench {
	b := &bench{w: newWindow("t", 0), start: time.Now()}
	b.workers = &workers{
		config: c.withDefaults(""), metrics: newMetrics(prometheus.NewRegistry()),
		bury: func(d *delivery, e *Error) { b.note("dead " + d.destination + " " + e.Reason); d.flight.settle() },
		told: func(d *delivery) { b.note("told " + d.destination) }, failed: func(*delivery, *Error) {},
	}
	b.stop, b.cancel = context.WithCancel(context.Background())
	return b
}

func (b *bench) note(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = append(b.log, event{time.Since(b.start).Round(time.Millisecond), what})
}

func (b *bench) push(q *queue, names ...string) {
	for _, name := range names {
		f := b.w.add(&kgo.Record{}, time.Now())
		q.push(&delivery{flight: f, kind: q.kind, destination: name})
	}
}

func (b *bench) want(t *testing.T, want ...event) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if diff := cmp.Diff(want, b.log); diff != "" {
		t.Error(diff)
	}
}

// finish waits for all queues, and checks that nothing is left unsettled.
func (b *bench) finish(t *testing.T) {
	t.Helper()
	b.wait.Wait()
	b.cancel()
	if n := b.w.unsettled(); n != 0 {
		t.Errorf("%d not settled", n)
	}
}

// scripted is a destination that gives these answers, then takes everything.
func (b *bench) scripted(answers ...error) *queue {
	return b.answering(func(context.Context) error {
		if len(answers) == 0 {
			return nil
		}
		err := answers[0]
		answers = answers[1:]
		return err
	})
}

func (b *bench) answering(answer func(context.Context) error) *queue {
	q := newQueue(b.workers, "test", destinationSender{notifyFunc(func(ctx context.Context, _ Message) error { return answer(ctx) })})
	q.backoff.RandomizationFactor = 0 // waits of 1 s, 2 s, 4 s...
	return q
}

var errDown = Retryable("down", errors.New("down"))

func TestQueueBacksOffAndKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Config{})
		b.push(b.scripted(errDown, errDown, errDown), "a", "b", "c")
		b.finish(t)
		const s = time.Second
		b.want(t, event{7 * s, "told a"}, event{7 * s, "told b"}, event{7 * s, "told c"})
	})
}

func TestQueueObeysRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Config{})
		b.push(b.scripted(&Error{Reason: "http_429", RetryAfter: 42 * time.Second, Err: errors.New("slow down")}), "a", "b")
		b.finish(t)
		b.want(t, event{42 * time.Second, "told a"}, event{42 * time.Second, "told b"})
	})
}

func TestQueueIsNotSilencedByOneAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Config{})
		q := b.scripted(&Error{Reason: "http_429", RetryAfter: 24 * time.Hour, Err: errors.New("slow down")})
		b.push(q, "a")
		time.Sleep(time.Minute)
		b.push(q, "b")
		b.finish(t)
		b.want(t, event{0, "dead a http_429"}, event{10 * time.Minute, "told b"})
	})
}

func TestQueueGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Config{GiveUp: schemas.Duration(10 * time.Second)})
		var repaired atomic.Bool
		q := b.answering(func(context.Context) error {
			if repaired.Load() {
				return nil
			}
			return errDown
		})
		b.push(q, "a", "b") // tries at 0, 1, 3, 7; the next would be at 15
		time.Sleep(8 * time.Second)
		b.push(q, "c") // waits its turn, and for the destination
		repaired.Store(true)
		b.finish(t)
		b.want(t, event{7 * time.Second, "dead a down"}, event{7 * time.Second, "dead b down"}, event{15 * time.Second, "told c"})
	})
}

func TestQueueMaxAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Config{MaxAttempts: 2})
		b.push(b.scripted(errDown, errDown), "a", "b")
		b.finish(t)
		b.want(t, event{time.Second, "dead a down"}, event{3 * time.Second, "told b"})
	})
}

func TestQueuePermanentIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Config{})
		b.push(b.scripted(Permanent("refused", errors.New("no"))), "a", "b")
		b.finish(t)
		b.want(t, event{0, "dead a refused"}, event{0, "told b"})
	})
}

func TestQueueAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Config{MaxAttempts: 1})
		b.push(b.answering(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }), "a")
		b.finish(t)
		b.want(t, event{10 * time.Second, "dead a timeout"})
	})
}

// A slow destination that answers may be late; a burst is no reason to give up.
func TestQueueLetsTheSlowBeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Config{GiveUp: schemas.Duration(10 * time.Second), QueueBound: 2})
		q := b.answering(func(context.Context) error { time.Sleep(4 * time.Second); return nil })
		b.push(q, "a", "b", "c", "d")
		synctest.Wait()
		q.trim(time.Now())
		b.finish(t)
		const s = time.Second
		b.want(t, event{4 * s, "told a"}, event{8 * s, "told b"}, event{12 * s, "told c"}, event{16 * s, "told d"})
	})
}

func TestQueueTrimsTheFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Config{QueueBound: 2})
		var repaired atomic.Bool
		q := b.answering(func(context.Context) error {
			if repaired.Load() {
				return nil
			}
			return errDown
		})
		b.push(q, "a", "b", "c", "d")
		time.Sleep(30 * time.Second)
		q.trim(time.Now())
		b.want(t) // patience has not ended
		time.Sleep(time.Millisecond)
		q.trim(time.Now())
		repaired.Store(true)
		b.finish(t)
		const at = 30*time.Second + time.Millisecond
		b.want(t, event{at, "dead c queue_full"}, event{at, "dead d queue_full"},
			event{31 * time.Second, "told a"}, event{31 * time.Second, "told b"})
	})
}

func TestQueueTrimsTheHopelesslySlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Config{GiveUp: schemas.Duration(time.Minute), AttemptTimeout: schemas.Duration(time.Hour), QueueBound: 1})
		q := b.answering(func(context.Context) error { time.Sleep(2 * time.Minute); return nil })
		b.push(q, "a", "b")
		time.Sleep(90 * time.Second)
		q.trim(time.Now())
		b.finish(t)
		b.want(t, event{90 * time.Second, "dead b queue_full"}, event{2 * time.Minute, "told a"})
	})
}

// A partition that is lost takes its deliveries with it, unsettled.
func TestQueueDropsWhatIsNotOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Config{})
		q := b.scripted(errDown)
		b.push(q, "a", "b")
		synctest.Wait()
		b.w.close()
		b.w.drain(t.Context())
		b.wait.Wait()
		b.want(t)
		if n := b.w.unsettled(); n != 2 {
			t.Errorf("%d unsettled, want 2", n)
		}
	})
}
