package eventbridge

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

const (
	reportEvery = 5 * time.Second // of the clock
	// leastWait keeps a clock that runs very fast from flooding the topic.
	leastWait = 10 * time.Millisecond
)

// report appends the progress of every source to every partition until ctx ends,
// so that the processor knows what it may judge.
func (b *Bridge) report(ctx context.Context, to *sink) {
	every := time.NewTicker(max(b.deps.Clock.Wall(reportEvery), leastWait))
	defer every.Stop()
	var partitions int
	known := make(map[string]int64)
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		if partitions == 0 {
			var err error
			if partitions, err = to.partitions(ctx); err != nil {
				to.log.say(slog.LevelError, "", "cannot look up the partitions", schemas.LogTopic, to.events, schemas.LogError, err)
				continue
			}
		}
		for _, s := range b.sources {
			b.reportSource(ctx, to, s, partitions, known)
		}
	}
}

// reportSource waits for the acknowledgement: when Kafka is slow one record a
// partition is on its way, not one for every interval.
func (b *Bridge) reportSource(ctx context.Context, to *sink, s source, partitions int, known map[string]int64) {
	now := b.deps.Clock.Now()
	upTo, ok := s.readUpTo(now.UnixMilli())
	if ok {
		known[s.name()] = upTo
		if err := to.progress(ctx, s.name(), upTo, partitions); err != nil && ctx.Err() == nil {
			to.log.say(slog.LevelError, s.name(), "cannot tell the progress of sources", schemas.LogError, err)
		}
	}
	if last, ok := known[s.name()]; ok {
		b.metrics.lag.WithLabelValues(s.name()).Set(now.Sub(time.UnixMilli(last)).Seconds())
	}
}

// progress appends a SourceProgress to every partition of conversation-events.
func (s *sink) progress(ctx context.Context, source string, upTo int64, partitions int) error {
	in := &schemas.InputRecord{Kind: &schemas.InputRecord_SourceProgress{
		SourceProgress: &schemas.SourceProgress{Source: source, ReadUpToMs: upTo},
	}}
	value, err := in.MarshalVT()
	if err != nil {
		return err
	}
	answers := make(chan error, partitions)
	now := s.clock.Now()
	for p := range partitions {
		r := &kgo.Record{Topic: s.events, Partition: int32(p), Value: value, Timestamp: now}
		s.client.Produce(ctx, r, func(_ *kgo.Record, err error) { answers <- err })
	}
	for range partitions {
		select {
		case err = <-answers:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// partitions returns how many partitions conversation-events has. It never
// changes: the processor refuses a topic that has grown.
func (s *sink) partitions(ctx context.Context) (int, error) {
	topics, err := kadm.NewClient(s.client).ListTopics(ctx, s.events)
	if err != nil {
		return 0, err
	}
	if err := topics.Error(); err != nil {
		return 0, err
	}
	return len(topics[s.events].Partitions), nil
}
