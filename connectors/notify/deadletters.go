package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/schemas"
)

const (
	maxBurials  = 500
	burialPause = 5 * time.Second // between tries to write dead letters
)

// deadLetters writes what was given up. It has its own queue, so that trouble
// with Kafka delays neither destinations nor reading: until a dead letter is
// written its escalation is not settled.
type deadLetters struct {
	topic   string
	log     *slog.Logger
	metrics *metrics
	clock   clock.Clock
	kindOf  func(*entry) string // the type of an entry's destination

	mu    sync.Mutex
	items []letter
	wake  chan struct{} // holds a token while items may be waiting
}

// letter is something given up, on its way to the dead letters.
type letter struct {
	record *kgo.Record
	reason string
	kind   string // metric label: the destination's type, or routing
	log    slog.Attr
	done   func() // once it is written
}

// bury takes a letter.
func (l *deadLetters) bury(b letter) {
	l.mu.Lock()
	l.items = append(l.items, b)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// letterOfFlight gives up an escalation that leads to no destination, or to one
// that is none. Its flight settles with it.
func (l *deadLetters) letterOfFlight(f *flight, destination string, e *Error) {
	if !f.w.begin() {
		return
	}
	from := f.record
	one := schemas.DeadLetter{
		Key: from.Key, Value: from.Value, Reason: e.Reason, Error: e.Err.Error(),
		Origin: "notifier", Topic: from.Topic, Partition: from.Partition, Offset: from.Offset,
	}
	l.send(one, destination, kindRouting, f.log(destination), func() {
		f.settle()
		f.w.end()
	})
}

// letterOfEntry gives up an entry of the ledger.
func (l *deadLetters) letterOfEntry(b *book, e *entry, why *Error, done func()) {
	one := schemas.DeadLetter{
		Key: []byte(e.Conversation), Value: e.Record, Reason: why.Reason,
		Error:  fmt.Sprintf("given up %s after it was due: %v", l.clock.Now().Sub(e.Since.Time()).Round(time.Second), why.Err),
		Origin: "notifier", Topic: b.window.topic, Partition: b.partition, Offset: e.Offset,
	}
	l.send(one, e.Destination, l.kindOf(e), entryLog(e, e.Destination), done)
}

func (l *deadLetters) send(one schemas.DeadLetter, destination, kind string, log slog.Attr, done func()) {
	l.log.LogAttrs(context.Background(), slog.LevelError, "escalation not delivered", log,
		slog.String(schemas.LogReason, one.Reason), slog.String(schemas.LogError, one.Error))
	if destination != "" {
		one.Extra = []schemas.Header{{Key: schemas.HeaderDestination, Value: []byte(destination)}}
	}
	r := &kgo.Record{Topic: l.topic, Key: one.Key, Value: one.Value}
	for _, h := range one.Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	l.bury(letter{r, one.Reason, kind, log, done})
}

// run writes until ctx ends.
func (l *deadLetters) run(ctx context.Context, produce func(context.Context, ...*kgo.Record) kgo.ProduceResults) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		for batch := l.take(); len(batch) > 0; batch = l.take() {
			if failed := l.write(ctx, batch, produce); len(failed) > 0 {
				l.putBack(failed)
				if !sleep(ctx, burialPause) {
					return
				}
			}
		}
	}
}

func (l *deadLetters) take() []letter {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.items), maxBurials)
	batch := l.items[:n:n]
	l.items = l.items[n:]
	return batch
}

func (l *deadLetters) putBack(batch []letter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items = append(batch, l.items...)
}

// write returns what was not written.
func (l *deadLetters) write(ctx context.Context, batch []letter, produce func(context.Context, ...*kgo.Record) kgo.ProduceResults) (failed []letter) {
	records := make([]*kgo.Record, len(batch))
	byRecord := make(map[*kgo.Record]letter, len(batch))
	for i, b := range batch {
		records[i], byRecord[b.record] = b.record, b
	}
	for _, r := range produce(ctx, records...) {
		b := byRecord[r.Record]
		// A letter that can never be written must not hold the partition for ever;
		// the log has said what it was.
		if r.Err == nil || errors.Is(r.Err, kerr.MessageTooLarge) {
			l.done(b)
			continue
		}
		l.log.LogAttrs(ctx, slog.LevelError, "dead letter not written", b.log, slog.String(schemas.LogError, r.Err.Error()))
		failed = append(failed, b)
	}
	return failed
}

func (l *deadLetters) done(b letter) {
	l.metrics.deadLetters.WithLabelValues(b.reason).Inc()
	if b.kind != kindRouting {
		l.metrics.deliveries.WithLabelValues(b.kind, b.reason).Inc()
	}
	b.done()
}
