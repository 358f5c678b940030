package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

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

	mu    sync.Mutex
	items []burial
	wake  chan struct{} // holds a token while items may be waiting
}

type burial struct {
	delivery *delivery
	record   *kgo.Record
	reason   string
}

// bury takes a delivery; its flight settles once the dead letter is written.
func (l *deadLetters) bury(d *delivery, e *Error) {
	if !d.flight.begin() {
		return
	}
	l.log.LogAttrs(context.Background(), slog.LevelError, "escalation not delivered", d.log(),
		slog.String(schemas.LogReason, e.Reason), slog.String(schemas.LogError, e.Err.Error()))
	b := burial{delivery: d, record: l.record(d, e), reason: e.Reason}
	l.mu.Lock()
	l.items = append(l.items, b)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *deadLetters) record(d *delivery, e *Error) *kgo.Record {
	from := d.flight.record
	letter := schemas.DeadLetter{
		Key: from.Key, Value: from.Value, Reason: e.Reason, Error: e.Err.Error(),
		Origin: "notifier", Topic: from.Topic, Partition: from.Partition, Offset: from.Offset,
	}
	if d.destination != "" {
		letter.Extra = []schemas.Header{{Key: schemas.HeaderDestination, Value: []byte(d.destination)}}
	}
	r := &kgo.Record{Topic: l.topic, Key: letter.Key, Value: letter.Value}
	for _, h := range letter.Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return r
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

func (l *deadLetters) take() []burial {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.items), maxBurials)
	batch := l.items[:n:n]
	l.items = l.items[n:]
	return batch
}

func (l *deadLetters) putBack(batch []burial) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items = append(batch, l.items...)
}

// write returns what was not written.
func (l *deadLetters) write(ctx context.Context, batch []burial, produce func(context.Context, ...*kgo.Record) kgo.ProduceResults) (failed []burial) {
	records := make([]*kgo.Record, len(batch))
	byRecord := make(map[*kgo.Record]burial, len(batch))
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
		l.log.LogAttrs(ctx, slog.LevelError, "dead letter not written", b.delivery.log(), slog.String(schemas.LogError, r.Err.Error()))
		failed = append(failed, b)
	}
	return failed
}

func (l *deadLetters) done(b burial) {
	l.metrics.deadLetters.WithLabelValues(b.reason).Inc()
	if b.delivery.kind != kindRouting {
		l.metrics.deliveries.WithLabelValues(b.delivery.kind, b.reason).Inc()
	}
	b.delivery.flight.settle()
	b.delivery.flight.end()
}
