package genesys

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// window is what one partition of genesys-requests has in work: the requests read
// and not answered, and what may be committed. It is safe for concurrent use.
type window struct {
	topic     string
	partition int32
	ctx       context.Context // ends when the partition is given up
	cancel    context.CancelFunc
	working   sync.WaitGroup

	mu     sync.Mutex
	places []*place // by offset; the first is the oldest that is not answered
	next   kgo.EpochOffset
	dirty  bool // next is not committed
	closed bool
	full   bool // not read for now
}

type place struct {
	offset  kgo.EpochOffset // to commit once this and all before are answered
	settled bool
}

func newWindow(topic string, partition int32) *window {
	w := &window{topic: topic, partition: partition}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// add takes a record's request in; one that is none is settled at once.
func (w *window) add(r *kgo.Record, request *schemas.GenesysRequest, now time.Time) *task {
	p := &place{offset: kgo.EpochOffset{Epoch: r.LeaderEpoch, Offset: r.Offset + 1}}
	w.mu.Lock()
	w.places = append(w.places, p)
	w.mu.Unlock()
	if request == nil {
		w.settle(p)
		return nil
	}
	return &task{request: request, seen: now, ctx: w.ctx, begin: w.begin, end: func(answered bool) {
		if answered {
			w.settle(p)
		}
		w.working.Done()
	}}
}

func (w *window) begin() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.working.Add(1)
	}
	return !w.closed
}

// settle moves the offset over every answered request before the oldest that is
// not.
func (w *window) settle(p *place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.settled = true
	n := 0
	for n < len(w.places) && w.places[n].settled {
		w.next, w.dirty = w.places[n].offset, true
		n++
	}
	clear(w.places[:n])
	w.places = w.places[n:]
}

// close lets no further task begin and gives up the checks under way; an action
// under way is carried through.
func (w *window) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.cancel()
}

// drain waits until nothing of a closed window is worked on, or ctx ends.
func (w *window) drain(ctx context.Context) {
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		w.working.Wait()
	}()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// fill says whether reading is to pause or to go on; turn is false if it is to
// stay as it is. What is answered behind the oldest counts too: it is kept until
// that is answered.
func (w *window) fill() (full, turn bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.full
	switch n := len(w.places); {
	case n >= maxUnsettled:
		w.full = true
	case n <= maxUnsettled/2:
		w.full = false
	}
	return w.full, w.full != was
}

// committable returns the offset to commit, if it is not committed.
func (w *window) committable() (kgo.EpochOffset, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next, w.dirty
}

func (w *window) committed(o kgo.EpochOffset) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == o {
		w.dirty = false
	}
}
