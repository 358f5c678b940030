package lockstep

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"unpark/schemas"
)

// progress is how far the processor is: the next offset of each partition of
// conversation-events, and where genesys-requests ended after these had been
// committed, which is behind every request that had been made until then.
type progress struct{ positions, ends map[int32]int64 }

// follow finds out which ticks are handled, until ctx ends. What cannot be found
// out is tried again, and meanwhile the clock waits.
func (w *Watch) follow(ctx context.Context) {
	every := time.NewTicker(look)
	defer every.Stop()
	admin := kadm.NewClient(w.client)
	for ctx.Err() == nil {
		if p, err := w.progress(ctx, admin); err == nil {
			for !w.settle(p) && ctx.Err() == nil {
				wait(ctx, every)
			}
		}
		wait(ctx, every)
	}
}

func wait(ctx context.Context, every *time.Ticker) {
	select {
	case <-every.C:
	case <-ctx.Done():
	}
}

func (w *Watch) progress(ctx context.Context, admin *kadm.Client) (progress, error) {
	p := progress{make(map[int32]int64), make(map[int32]int64)}
	committed, err := admin.FetchOffsets(kadm.RequireStable(ctx), w.config.Group)
	if err != nil {
		return p, err
	}
	for id, o := range committed[schemas.ConversationEvents.Name(w.config.Prefix)] {
		if o.Err == nil {
			p.positions[id] = o.At
		}
	}
	ends, err := admin.ListEndOffsets(ctx, schemas.GenesysRequests.Name(w.config.Prefix))
	if err == nil {
		err = ends.Error()
	}
	ends.Each(func(o kadm.ListedOffset) { p.ends[o.Partition] = o.Offset })
	return p, err
}

// settle counts the ticks before the positions as handled, once all requests that
// came of them are read; false: they are not yet.
func (w *Watch) settle(p progress) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, end := range p.ends {
		if w.read[id] < end {
			return false
		}
	}
	for id, position := range p.positions {
		ticks := w.ticks[id]
		for ; len(ticks) > 0 && ticks[0].offset < position; ticks = ticks[1:] {
			w.handled[id] = ticks[0].at
		}
		w.ticks[id] = ticks
	}
	return true
}
