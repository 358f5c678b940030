package genesys

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"unpark/schemas"
)

// task is a request on its way to its answer.
type task struct {
	request *schemas.GenesysRequest
	seen    time.Time // on the clock, when it was read
	// ctx ends when the request is none of ours any more; then nothing is answered.
	ctx context.Context
	// recall is to be waited for before anything is done; nil: nothing is.
	recall *recall
	// begin announces that work on it starts; false: it is none of ours any more.
	begin func() bool
	// end is the end of what begin announced; answered: the answer is on the topic.
	end func(answered bool)

	index int
}

// made is when the request was made, or read if it does not say.
func (t *task) made() time.Time {
	if t.request.RequestedAtMs == 0 {
		return t.seen
	}
	return time.UnixMilli(t.request.RequestedAtMs)
}

// urgency orders requests; one that says nothing comes last.
func urgency(r *schemas.GenesysRequest) int {
	if r.Urgency == schemas.Urgency_URGENCY_UNSPECIFIED {
		return len(schemas.Urgency_name)
	}
	return int(r.Urgency)
}

// before says whether a is more urgent than b: by urgency, then by when the answer
// is needed.
func (t *task) before(b *task) bool {
	if x, y := urgency(t.request), urgency(b.request); x != y {
		return x < y
	}
	if t.request.DueMs != b.request.DueMs {
		return t.request.DueMs < b.request.DueMs
	}
	return t.seen.Before(b.seen)
}

// queue holds the requests of one org that wait, the most urgent first, one check
// for each conversation. It is safe for concurrent use.
type queue struct {
	mu     sync.Mutex
	heap   taskHeap
	checks map[string]*task // by conversation
	filled chan struct{}    // closed when a task comes
}

func newQueue() *queue {
	return &queue{checks: make(map[string]*task), filled: make(chan struct{})}
}

// push adds a task and returns those that lost their place to it: the check of
// the same conversation that it supersedes, and the least urgent one of a full
// queue, which may be t itself.
func (q *queue) push(t *task) (superseded, crowdedOut *task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	id := t.request.ConversationId
	if t.request.GetCheck() != nil {
		if superseded = q.checks[id]; superseded != nil {
			q.remove(superseded)
		}
		q.checks[id] = t
	}
	heap.Push(&q.heap, t)
	if len(q.heap) > maxWaiting {
		crowdedOut = q.least()
		q.remove(crowdedOut)
	}
	close(q.filled)
	q.filled = make(chan struct{})
	return superseded, crowdedOut
}

func (q *queue) least() *task {
	least := q.heap[0]
	for _, t := range q.heap {
		if least.before(t) {
			least = t
		}
	}
	return least
}

func (q *queue) remove(t *task) {
	heap.Remove(&q.heap, t.index)
	if id := t.request.ConversationId; q.checks[id] == t {
		delete(q.checks, id)
	}
}

// pop takes the most urgent task; nil if there is none.
func (q *queue) pop() *task {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.heap) == 0 {
		return nil
	}
	t := q.heap[0]
	q.remove(t)
	return t
}

// wait returns when the queue holds something or ctx ends.
func (q *queue) wait(ctx context.Context) {
	q.mu.Lock()
	n, filled := len(q.heap), q.filled
	q.mu.Unlock()
	if n > 0 {
		return
	}
	select {
	case <-filled:
	case <-ctx.Done():
	}
}

// take removes the tasks that want says.
func (q *queue) take(want func(*task) bool) []*task {
	q.mu.Lock()
	defer q.mu.Unlock()
	var taken []*task
	for _, t := range q.heap {
		if want(t) {
			taken = append(taken, t)
		}
	}
	for _, t := range taken {
		q.remove(t)
	}
	return taken
}

// waiting returns how many wait, and since when the oldest does.
func (q *queue) waiting() (n int, oldest time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range q.heap {
		if oldest.IsZero() || t.seen.Before(oldest) {
			oldest = t.seen
		}
	}
	return len(q.heap), oldest
}

// taskHeap implements heap.Interface.
type taskHeap []*task

func (h taskHeap) Len() int           { return len(h) }
func (h taskHeap) Less(i, j int) bool { return h[i].before(h[j]) }
func (h taskHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *taskHeap) Push(x any) {
	t := x.(*task)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *taskHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return t
}
