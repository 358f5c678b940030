package stream

import (
	"context"
	"sync"
)

// leases lets one runner of the process at a time work a partition: the group
// may give it to another runner before the old one has noticed, and the two
// share the partition's store.
type leases struct {
	mu   sync.Mutex
	held map[int32]chan struct{} // closed when released
}

// acquire waits until nobody holds the partition. release must be called once.
func (l *leases) acquire(ctx context.Context, partition int32) (release func(), err error) {
	for {
		wait, release := l.try(partition)
		if release != nil {
			return release, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *leases) try(partition int32) (wait <-chan struct{}, release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ch, ok := l.held[partition]; ok {
		return ch, nil
	}
	if l.held == nil {
		l.held = make(map[int32]chan struct{})
	}
	ch := make(chan struct{})
	l.held[partition] = ch
	return nil, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, partition)
		close(ch)
	}
}
