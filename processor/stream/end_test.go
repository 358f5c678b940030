package stream

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/schemas"
)

func TestRunnersProduceError(t *testing.T) {
	for _, topic := range []schemas.Topic{schemas.Escalations, schemas.SLAChangelog} {
		k := newFake(t, 2)
		p := k.start(k.config("a", t.TempDir()))
		p.waitReady()
		k.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic.Name(k.prefix), Err: kerr.InvalidRecord, Partitions: []int32{1}})
		want := k.echo(2, 0, 20)
		k.waitEscalations(want)
		p.stop()
		k.checkEscalations(want)
	}
}

func TestRunnersEndError(t *testing.T) {
	faults := map[string]*kerr.Error{
		"answer lost":    kerr.RequestTimedOut, // the broker has committed all the same
		"not done":       kerr.UnknownServerError,
		"producer taken": kerr.ProducerFenced,
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			k := newFake(t, 2)
			p := k.start(k.config("a", t.TempDir()))
			p.waitReady()
			var spoken atomic.Bool // the end that fails is that of a transaction with outputs
			k.fake.Fault(
				kfake.Fault{
					Keys: []kmsg.Key{kmsg.Produce}, Topic: schemas.Escalations.Name(k.prefix), Count: -1,
					When: func(kmsg.Request) bool { spoken.Store(true); return false },
				},
				kfake.Fault{
					Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Err: fault,
					When: func(kmsg.Request) bool { return spoken.Load() },
				},
			)
			want := k.echo(2, 0, 20)
			k.waitEscalations(want)
			want = append(want, k.echo(2, 20, 20)...)
			k.waitEscalations(want)
			p.stop()
			k.checkEscalations(want)
		})
	}
}

// The brokers have committed and say something else: an error, or one that the
// client takes for a transaction that was not committed. Going on in that session
// would say everything twice. (After an error the client itself does not begin
// another transaction; that is not relied on.)
func TestRunnersEndInDoubt(t *testing.T) {
	for _, doubt := range []struct {
		name    string
		answer  *kerr.Error
		answers int // the client asks again after some
		counted string
		why     string // the session is thrown away
	}{
		{"an error", kerr.RequestTimedOut, 2, abortError, "end: session in doubt"},
		{"not committed", kerr.UnknownServerError, 1, abortRebalance, "the transaction was not committed"},
	} {
		t.Run(doubt.name, func(t *testing.T) {
			k := newKafka(t, 2)
			var l link
			var said logged
			cfg := k.config("a", t.TempDir())
			cfg.Kafka, cfg.Logger = append(cfg.Kafka, kgo.Dialer(l.dial), kgo.RequestRetries(1)), said.logger(t)
			p := k.start(cfg)
			p.waitReady()
			ends := p.runners.metrics.aborts.WithLabelValues(doubt.counted)
			var want []string
			for round := range 3 {
				before := value(t, ends)
				l.spoilEnd(doubt.answer, doubt.answers)
				want = append(want, k.echo(2, 20*round, 10)...)
				waitFor(t, "an end in doubt", func() error {
					if value(t, ends) == before {
						return errors.New("none")
					}
					return nil
				})
				// What is said twice is said before these.
				want = append(want, k.echo(2, 20*round+10, 10)...)
				k.waitEscalations(want)
			}
			p.stop()
			k.checkEscalations(want)
			if !said.has(doubt.why) {
				t.Errorf("no session was thrown away because of %q", doubt.why)
			}
		})
	}
}

// The brokers have committed, and the process does not hear of it until its
// retries are used up: what it committed is not said again.
func TestRunnersEndAnswerLost(t *testing.T) {
	k := newKafka(t, 2)
	var l link
	cfg := k.config("a", t.TempDir())
	cfg.Kafka = append(cfg.Kafka, kgo.Dialer(l.dial), kgo.RequestRetries(1), kgo.RetryBackoffFn(func(int) time.Duration { return time.Millisecond }))
	p := k.start(cfg)
	p.waitReady()
	var want []string
	for round := range 5 {
		lost := make(chan struct{})
		l.loseEnd(func() { close(lost) })
		before := value(t, p.runners.metrics.rebuilds)
		want = append(want, k.echo(2, 20*round, 20)...)
		k.await(lost, "an EndTxn")
		waitFor(t, "the session to be given up", func() error {
			if value(t, p.runners.metrics.rebuilds) == before {
				return errors.New("it goes on")
			}
			return nil
		})
		l.set(false)
	}
	k.waitEscalations(want)
	p.stop()
	k.checkEscalations(want)
}

// Cut off from the brokers, without a session or a partition, a runner is not ready;
// and what was never opened is not thrown away.
func TestRunnersCutOff(t *testing.T) {
	k := newKafka(t, 2)
	var l link
	var said logged
	cfg := k.config("a", t.TempDir())
	cfg.Kafka = append(cfg.Kafka, kgo.Dialer(l.dial), kgo.RequestRetries(1), kgo.RetryBackoffFn(func(int) time.Duration { return time.Millisecond }))
	cfg.Logger = said.logger(t)
	p := k.start(cfg)
	p.waitReady()
	want := k.echo(2, 0, 10)
	k.waitEscalations(want) // a session that has committed
	before := value(t, p.runners.metrics.rebuilds)
	cut := make(chan struct{})
	l.loseEnd(func() { close(cut) })
	want = append(want, k.echo(2, 10, 10)...)
	k.await(cut, "an EndTxn")
	waitFor(t, "three attempts", func() error {
		if said.count("session thrown away") < 3 {
			return errors.New("fewer")
		}
		return nil
	})
	wantError(t, p.runners.Ready(), "joining the group")
	if n := value(t, p.runners.metrics.rebuilds) - before; n != 1 {
		t.Errorf("%v sessions were thrown away, want 1", n)
	}
	l.set(false)
	k.waitEscalations(want)
	p.waitReady()
	p.stop()
	k.checkEscalations(want)
}

// A runner that has lost the group has no partition that it could be behind with. It
// is not ready until it is back.
func TestRunnersGroupLost(t *testing.T) {
	k := newKafka(t, 2)
	var l link
	cfg := k.quiet("a")
	cfg.Kafka = append(cfg.Kafka, kgo.Dialer(l.dial), kgo.RequestRetries(1), kgo.RetryBackoffFn(func(int) time.Duration { return time.Millisecond }))
	p := k.start(cfg)
	p.owns(2)
	l.set(true)
	waitFor(t, "all to be given up", func() error {
		if n := owned(p.runners); n > 0 {
			return fmt.Errorf("%d are left", n)
		}
		return nil
	})
	wantError(t, p.runners.Ready(), "joining the group")
	l.set(false)
	p.owns(2)
	p.stop()
}

// A session joins the group while it is being opened. One that comes to nothing
// after that has taken the runner's name from the runner itself, which is no
// reason to end.
func TestRunnersOpenFails(t *testing.T) {
	k := newFake(t, 2)
	p := k.start(k.config("a", t.TempDir()))
	p.waitReady()
	refused := k.fake.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.TransactionalIDAuthorizationFailed, Count: 3,
		When: func(req kmsg.Request) bool { return req.(*kmsg.InitProducerIDRequest).TransactionalID != nil },
	})
	k.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: schemas.SLAChangelog.Name(k.prefix), Err: kerr.InvalidRecord})
	want := k.echo(2, 0, 20)
	k.waitEscalations(want)
	if n := refused.Hits(); n != 3 {
		t.Errorf("the session was refused %d times, want 3", n)
	}
	p.stop()
	k.checkEscalations(want)
}

// A group session that is lost while a transaction ends cannot be closed before the
// end has been given up, and until then the client waits for a heartbeat that nobody
// sends. The brokers abort the transaction by themselves when its time is over: it
// is not waited for longer.
func TestRunnersGroupLostInEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: waits for a transaction's time to be over")
	}
	k := newFake(t, 2)
	p := k.start(k.config("a", t.TempDir()))
	p.waitReady()
	beats := k.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, TopLevel: true, Err: kerr.UnknownMemberID})
	var held atomic.Bool
	k.fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		if req.(*kmsg.ProduceRequest).TransactionID != nil && !held.Swap(true) {
			k.fake.SleepControl(func() {
				waitFor(t, "the group to be lost", func() error {
					if beats.Hits() == 0 {
						return errors.New("no heartbeat")
					}
					return nil
				})
			})
		}
		return nil, nil, false
	})
	want := k.echo(2, 0, 20)
	k.waitEscalations(want)
	p.stop()
	k.checkEscalations(want)
	if !held.Load() {
		t.Error("the group was not lost within an end")
	}
}

// Every commit carries the position of all partitions that run, also of those that
// the transaction has not touched.
func TestRunnersCommitAllPositions(t *testing.T) {
	k := newFake(t, 3)
	p := k.start(k.config("a", t.TempDir()))
	k.waitEscalations(k.echo(3, 0, 1)) // all of them have a state
	var fewest atomic.Int64
	fewest.Store(3)
	k.fake.ControlKey(int16(kmsg.TxnOffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		n := 0
		for _, topic := range req.(*kmsg.TxnOffsetCommitRequest).Topics {
			n += len(topic.Partitions)
		}
		fewest.Store(min(fewest.Load(), int64(n)))
		return nil, nil, false
	})
	for i := range 10 {
		in := eventInput("alone", int64(i))
		in.GetEvent().Direction = echoDirection
		k.produce(1, encode(in))
	}
	waitFor(t, "partition 1 to be worked", func() error {
		if n := len(k.values(schemas.Escalations)); n != 13 {
			return fmt.Errorf("%d of 13", n)
		}
		return nil
	})
	p.stop()
	if n := fewest.Load(); n != 3 {
		t.Errorf("a commit with %d positions, want 3", n)
	}
}
