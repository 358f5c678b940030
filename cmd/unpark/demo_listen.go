package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// listener reads escalations as any consumer outside would: read_committed.
type listener struct {
	tally
	client *kgo.Client
	done   chan struct{}
}

func listen(ctx context.Context, a *app) (*listener, error) {
	client, err := kgo.NewClient(append(a.kafka[:len(a.kafka):len(a.kafka)],
		kgo.ConsumeTopics(schemas.Escalations.Name(a.config.Process.Topics.Prefix)),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)...)
	if err != nil {
		return nil, fmt.Errorf("read escalations: %w", err)
	}
	l := &listener{tally: tally{seen: map[string]int{}, change: make(chan struct{}, 1)}, client: client, done: make(chan struct{})}
	go l.run(ctx)
	return l, nil
}

func (l *listener) run(ctx context.Context) {
	defer close(l.done)
	for {
		fetches := l.client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if e, err := schemas.DecodeEscalation(r.Value); err == nil {
				l.add(e)
			}
		})
	}
}

func (l *listener) close() {
	l.client.Close()
	<-l.done
}
