package eventbridge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"unpark/schemas"
)

// feed is a source inside the process. An envelope's send time is the instant at
// which it is taken from the channel.
type feed struct {
	envelopes <-chan []byte
	slots     slots // one taken for each envelope in flight
	running   atomic.Bool

	mu       sync.Mutex
	inFlight flight
}

func newFeed(envelopes <-chan []byte) *feed {
	return &feed{envelopes: envelopes, slots: make(slots, maxInFlight), inFlight: make(flight)}
}

func (*feed) name() string { return "demo" }

func (f *feed) ready() error {
	if !f.running.Load() {
		return errors.New("not started")
	}
	return nil
}

func (f *feed) readUpTo(now int64) (int64, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.inFlight.holdBack(now), f.running.Load()
}

func (f *feed) run(stop, work context.Context, to *sink) error {
	f.running.Store(true)
	defer f.slots.drain(work)
	for f.slots.take(stop) {
		select {
		case raw, more := <-f.envelopes:
			if more {
				f.carry(work, to, raw)
				continue
			}
			<-stop.Done() // the feed has ended, and everything up to now is read
		case <-stop.Done():
		}
		f.slots.give()
		break
	}
	return nil
}

// carry produces an envelope; the slot is given back when that is done.
func (f *feed) carry(work context.Context, to *sink, raw []byte) {
	d, err := to.decode(f.name(), raw)
	if why, bad := errors.AsType[*DecodeError](err); bad {
		f.slots.give()
		f.refuse(to, why)
		return
	}
	sent := to.clock.Now().UnixMilli()
	f.note(func() { f.inFlight.begin(sent) })
	gauge := to.metrics.inFlight.WithLabelValues(f.name())
	gauge.Inc()
	to.produce(work, f.name(), d, func(err error) {
		if refused(err) {
			f.refuse(to, tooLargeForKafka(err))
		}
		f.note(func() { f.inFlight.end(sent) })
		gauge.Dec()
		f.slots.give()
	})
}

func (f *feed) refuse(to *sink, why *DecodeError) {
	to.countUndecodable(f.name(), why)
	to.log.say(slog.LevelWarn, f.name(), "an envelope cannot be used", schemas.LogReason, why.Reason)
}

func (f *feed) note(what func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
}
