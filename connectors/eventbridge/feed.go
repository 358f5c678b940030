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
	running   atomic.Bool

	mu       sync.Mutex
	inFlight flight
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
	var pending sync.WaitGroup
	defer func() { waitFor(work, &pending) }()
	for {
		select {
		case <-stop.Done():
			return nil
		case raw, more := <-f.envelopes:
			if !more {
				<-stop.Done()
				return nil
			}
			f.carry(work, to, raw, &pending)
		}
	}
}

func (f *feed) carry(work context.Context, to *sink, raw []byte, pending *sync.WaitGroup) {
	d, err := to.decode(f.name(), raw)
	if why, bad := errors.AsType[*DecodeError](err); bad {
		to.countUndecodable(f.name(), why)
		to.log.say(slog.LevelWarn, "an envelope cannot be used", schemas.LogSource, f.name(), schemas.LogReason, why.Reason)
		return
	}
	sent := to.clock.Now().UnixMilli()
	f.note(func() { f.inFlight.begin(sent) })
	pending.Add(1)
	to.produce(work, f.name(), d, func(err error) {
		if refused(err) {
			to.countUndecodable(f.name(), tooLargeForKafka(err))
		}
		f.note(func() { f.inFlight.end(sent) })
		pending.Done()
	})
}

func (f *feed) note(what func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
}

// waitFor waits for pending or until ctx ends.
func waitFor(ctx context.Context, pending *sync.WaitGroup) {
	done := make(chan struct{})
	go func() { pending.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
