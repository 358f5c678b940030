package eventbridge

import (
	"sync"
	"time"
)

const (
	// young is the age at which a message is received when a queue is read as
	// fast as it fills.
	young = 10 * time.Second
	// recent is how long a batch of older messages stands for what else may
	// still be in the queue: SQS samples its servers and keeps no order.
	recent = 10 * time.Second
	// fresh is how long a finished receive says anything: a long poll and some.
	fresh = longPoll + 10*time.Second
)

// flight holds the times of what is on its way to Kafka. Times are milliseconds
// since the Unix epoch here and below.
type flight map[int64]int

func (f flight) begin(at int64) { f[at]++ }

func (f flight) end(at int64) {
	if f[at]--; f[at] <= 0 {
		delete(f, at)
	}
}

// holdBack returns upTo, or the instant before the oldest in flight.
func (f flight) holdBack(upTo int64) int64 {
	for at := range f {
		upTo = min(upTo, at-1)
	}
	return upTo
}

// queueProgress knows up to which send time a queue has been read and
// acknowledged by Kafka. It is safe for concurrent use.
type queueProgress struct {
	mu        sync.Mutex
	inFlight  flight
	receivers []receiverState
	behind    []receipt // of batches that were not young, oldest first
}

// receiverState is what a receiver's last receive said.
type receiverState struct {
	at    int64 // when it finished; zero: none has, or it failed
	empty bool
	sent  int64 // oldest message's send time if that was not young, else zero
}

type receipt struct{ at, sent int64 }

func newQueueProgress(receivers int) *queueProgress {
	return &queueProgress{inFlight: make(flight), receivers: make([]receiverState, receivers)}
}

// received notes a finished receive: the send times of the messages that are now
// on their way to Kafka, and of others that only tell the queue's age.
func (p *queueProgress) received(receiver int, now int64, inFlight, others []int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	oldest := now
	for _, sent := range inFlight {
		p.inFlight.begin(sent)
		oldest = min(oldest, sent)
	}
	for _, sent := range others {
		oldest = min(oldest, sent)
	}
	state := receiverState{at: now, empty: len(inFlight)+len(others) == 0}
	if now-oldest >= young.Milliseconds() {
		state.sent = oldest
		p.behind = append(p.forget(now), receipt{now, oldest})
	}
	p.receivers[receiver] = state
}

// failed notes that a receiver's last receive did not work.
func (p *queueProgress) failed(receiver int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.receivers[receiver] = receiverState{}
}

// settled notes that a message is on its way no more.
func (p *queueProgress) settled(sent int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight.end(sent)
}

// readUpTo returns the send time up to which the queue has been read; ok is
// false while nothing is known. It may go back when older messages reappear.
func (p *queueProgress) readUpTo(now int64) (upTo int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	upTo, idle := now, true
	for _, r := range p.receivers {
		if r.at == 0 || now-r.at > fresh.Milliseconds() {
			continue
		}
		ok = true
		idle = idle && r.empty
		if r.sent > 0 {
			upTo = min(upTo, r.sent)
		}
	}
	if !ok {
		return 0, false
	}
	p.behind = p.forget(now)
	for _, b := range p.behind {
		if !idle {
			upTo = min(upTo, b.sent)
		}
	}
	return p.inFlight.holdBack(upTo), true
}

// forget returns behind without what is not recent.
func (p *queueProgress) forget(now int64) []receipt {
	for i, b := range p.behind {
		if now-b.at <= recent.Milliseconds() {
			return p.behind[i:]
		}
	}
	return nil
}

// fileProgress knows up to which own time a file has been read and acknowledged
// by Kafka: a file is history, so its lines' own times stand for send times. It
// is safe for concurrent use.
type fileProgress struct {
	mu       sync.Mutex
	inFlight flight
	newest   int64
	ended    bool
}

func newFileProgress() *fileProgress { return &fileProgress{inFlight: make(flight)} }

func (p *fileProgress) begin(own int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight.begin(own)
}

func (p *fileProgress) acknowledged(own int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight.end(own)
	p.newest = max(p.newest, own)
}

// refused notes that Kafka will never take a line.
func (p *fileProgress) refused(own int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight.end(own)
}

// end notes that there is nothing more to read.
func (p *fileProgress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
}

// readUpTo returns now once all has been read, before that the own time reached;
// ok is false until something was.
func (p *fileProgress) readUpTo(now int64) (upTo int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return p.inFlight.holdBack(now), true
	}
	if p.newest == 0 {
		return 0, false
	}
	return p.inFlight.holdBack(min(p.newest, now)), true
}
