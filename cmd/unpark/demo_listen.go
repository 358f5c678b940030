package main

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

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

// tally counts escalations by status and kind.
type tally struct {
	mu     sync.Mutex
	seen   map[string]int
	change chan struct{}
}

func (t *tally) add(e *schemas.Escalation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[e.Status+" "+e.Kind]++
	select {
	case t.change <- struct{}{}:
	default:
	}
}

func (t *tally) counts() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.seen)
}

// wait waits until n escalations were seen, for as long as the demo is patient:
// the summary tells what is missing then.
func (t *tally) wait(ctx context.Context, n int) {
	patience := time.After(demoPatience)
	for total(t.counts()) < n {
		select {
		case <-t.change:
		case <-patience:
			return
		case <-ctx.Done():
			return
		}
	}
}
