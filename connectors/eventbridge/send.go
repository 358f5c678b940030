package eventbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// retryAfter is the pause after Kafka refused a record for a reason that may
// pass: a missing topic or right, say.
const retryAfter = time.Second

func kafkaOptions(own []kgo.Opt) []kgo.Opt {
	return append(slices.Clone(own),
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(partition)),
		kgo.RequiredAcks(kgo.AllISRAcks()), // and idempotent, as is the default
		// The sources bound what is in flight; Produce must not wait on top, or
		// nobody would keep the waiting messages invisible.
		kgo.MaxBufferedRecords(1<<20),
	)
}

// partition sends a record with a key to the partition that Kafka's default
// partitioner chooses, and one without a key where it says.
func partition(topic string) func(*kgo.Record, int) int {
	keyed := kgo.StickyKeyPartitioner(nil).ForTopic(topic)
	return func(r *kgo.Record, n int) int {
		if r.Key == nil {
			return int(r.Partition)
		}
		return keyed.Partition(r, n)
	}
}

// send produces a record until Kafka has acknowledged it, see produce.
func (s *sink) send(ctx context.Context, source string, r *kgo.Record, done func(error)) {
	if ctx.Err() != nil {
		done(ctx.Err())
		return
	}
	r.Timestamp = s.clock.Now()
	s.client.Produce(ctx, r, func(_ *kgo.Record, err error) {
		if err == nil || ctx.Err() != nil || refused(err) {
			done(err)
			return
		}
		s.metrics.failures.WithLabelValues(source, opProduce).Inc()
		s.log.say(slog.LevelError, source, "Kafka does not take records; trying until it does",
			schemas.LogTopic, r.Topic, schemas.LogError, err)
		again := *r
		go func() {
			pause(ctx, retryAfter)
			s.send(ctx, source, &again, done)
		}()
	})
}

// refused says that Kafka will not take the same record later either.
func refused(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge) || errors.Is(err, kerr.InvalidRecord)
}

func tooLargeForKafka(err error) *DecodeError {
	return &DecodeError{Reason: TooLarge, Err: fmt.Errorf("refused by Kafka: %w", err)}
}

// pause waits for d of wall time or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
