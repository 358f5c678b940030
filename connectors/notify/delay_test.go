package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/schemas"
)

const delayRules = `{"id":"org-1","policies":[{"name":"p","objectives":[{"objective":"reply","tiers":[{"at":"1s","notify":["all"]}]}]}],
	"routes":{"all":{"group":{"above":0},"to":[{"webhook":{"url":"https://dead"}},{"webhook":{"url":"https://hanging"}},{"webhook":{"url":"https://slow"}},
		{"webhook":{"url":"https://refusing"}},{"webhook":{"url":"https://limited"},"every":"1m"},{"webhook":{"url":"https://healthy"}}]}}}`

// delayed is a Dispatcher of everything but Kafka, in a synctest bubble: what it
// writes is written at once, and waits are exact.
type delayed struct {
	*Dispatcher
	t testing.TB
	w *window

	mu   sync.Mutex
	late map[string][]time.Duration // how long after it was raised, by destination
}

func newDelayed(t testing.TB, rules string) *delayed {
	x := &delayed{t: t, late: map[string][]time.Duration{}}
	// The second org's rules cannot be had: it holds up itself.
	configs := &fakeConfigs{versions: map[string]string{"org-1/v1": rules}, newest: map[string]string{"org-1": rules}}
	var err error
	x.Dispatcher, err = New(Config{}, Deps{
		Clock: clock.Real(), Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Configs: configs, Build: x.build,
	})
	if err != nil {
		t.Fatal(err)
	}
	shelf, err := openShelf("", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	x.ledger = &ledger{
		shelf: shelf, log: x.log, send: x.send, failed: make(chan error, 1), books: map[int32]*book{},
		produce: func(_ context.Context, r *kgo.Record, then func(*kgo.Record, error)) { then(r, nil) },
	}
	stop, cancel := context.WithCancel(t.Context())
	x.workers.stop = stop
	t.Cleanup(func() {
		cancel()
		x.workers.wait.Wait()
		if err := shelf.close(); err != nil {
			t.Error(err)
		}
	})
	x.w = newWindow("t", 0)
	b := newBook(x.ledger, x.w)
	x.ledger.books[0] = b
	b.fill()
	return x
}

func (x *delayed) build(d Destination) (Notifier, error) {
	name := d.Webhook.URL[len("https://"):]
	return notifyFunc(func(ctx context.Context, m Message) error {
		switch name {
		case "dead":
			return errDown
		case "hanging":
			<-ctx.Done()
			return ctx.Err()
		case "slow":
			time.Sleep(9 * time.Second)
		case "refusing":
			return &Error{Reason: "http_429", RetryAfter: time.Hour, Err: errors.New("slow down")}
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.late[name] = append(x.late[name], time.Since(m.Escalation.At.Time()))
		return nil
	}), nil
}

func (x *delayed) escalate(i int, org string) {
	e := fridayCase(x.t)
	e.ID, e.Org, e.Conversation, e.Policy, e.TierSeconds = fmt.Sprintf("%032x", i), org, fmt.Sprintf("c-%d", i/2), "p", 1
	e.At = instantOf(time.Now())
	value, err := schemas.EncodeEscalation(&e)
	if err != nil {
		x.t.Fatal(err)
	}
	x.accept(x.w.add(&kgo.Record{Topic: "t", Offset: int64(i), Key: []byte(e.Conversation), Value: value}, time.Now()))
}

// A destination that is dead, hangs, is slow, asks to be left alone or is limited,
// and an org whose rules cannot be read, delay no other by more than a second, of
// the same route, for an hour.
func TestNoDestinationDelaysAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newDelayed(t, delayRules)
		const alerts = 3600
		for i := range alerts {
			x.escalate(i, "org-1")
			if i%100 == 0 {
				x.escalate(alerts+i, "org-2")
			}
			time.Sleep(time.Second)
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		if n := len(x.late["healthy"]); n != alerts {
			t.Errorf("the healthy one has %d of %d", n, alerts)
		}
		for _, late := range x.late["healthy"] {
			if late > time.Second {
				t.Fatalf("the healthy one was told after %v", late)
			}
		}
		// The others did what they are there for.
		if slow, limited := len(x.late["slow"]), len(x.late["limited"]); slow < 350 || slow > 401 || limited < 59 || limited > 61 || len(x.late["dead"])+len(x.late["hanging"])+len(x.late["refusing"]) != 0 {
			t.Errorf("told: %d slow, %d limited, others %v %v %v", slow, limited, x.late["dead"], x.late["hanging"], x.late["refusing"])
		}
	})
}

// Whoever got partitions is not ready before their ledger is read.
func TestReadyWaitsForTheLedger(t *testing.T) {
	x := newDelayed(t, delayRules)
	x.setAbsent(nil)
	x.windows[partition{"t", 0}] = x.w
	if err := x.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
	x.windows[partition{"t", 1}] = newWindow("t", 1)
	if x.Ready() == nil {
		t.Error("ready, though a partition is not open")
	}
}

// BenchmarkEscalation takes escalations through routing, ledger and the outboxes of
// two destinations, one of which knows what it is told twice; all but Kafka and HTTP.
func BenchmarkEscalation(b *testing.B) {
	x := newDelayed(b, `{"id":"org-1","policies":[{"name":"p","objectives":[{"objective":"reply","tiers":[{"at":"1s","notify":["all"]}]}]}],
		"routes":{"all":{"group":{"above":0},"to":[{"webhook":{"url":"https://one"}},{"webhook":{"url":"https://other"}}]}}}`)
	b.ReportAllocs()
	for i := range b.N {
		x.escalate(i, "org-1")
	}
	x.workers.wait.Wait()
}
