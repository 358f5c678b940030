package notify

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// window is what one partition has in flight: the records read and not settled,
// and what may be committed.
type window struct {
	topic     string
	partition int32

	mu      sync.Mutex
	flights []*flight // by offset; the first is the oldest that is not settled
	open    int       // flights that are not settled
	next    kgo.EpochOffset
	dirty   bool // next is not committed

	*gate // closed: the partition is no longer ours, or we are stopping
}

// flight is one record on its way to the destinations of its escalation.
type flight struct {
	w      *window
	offset kgo.EpochOffset // to commit once this and all before are settled
	readAt time.Time
	parts  int // deliveries that are not settled; guarded by w.mu

	// Dropped once the record is settled: those behind a slow one wait for it.
	record     *kgo.Record
	escalation *schemas.Escalation // nil if it cannot be decoded
}

func newWindow(topic string, partition int32) *window {
	return &window{topic: topic, partition: partition, gate: newGate()}
}

// add takes a record in, with one part to settle.
func (w *window) add(r *kgo.Record, now time.Time) *flight {
	next := kgo.EpochOffset{Epoch: r.LeaderEpoch, Offset: r.Offset + 1}
	f := &flight{w: w, offset: next, readAt: now, parts: 1, record: r}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flights = append(w.flights, f)
	w.open++
	return f
}

// split adds a part; the caller holds one that is not settled.
func (f *flight) split() {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.parts++
}

// settle ends a part. With the last one the record is settled, and the offset
// moves over every settled record before the oldest that is not.
func (f *flight) settle() {
	w := f.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.parts--; f.parts > 0 {
		return
	}
	w.open--
	f.record, f.escalation = nil, nil
	done := 0
	for done < len(w.flights) && w.flights[done].parts == 0 {
		w.next, w.dirty = w.flights[done].offset, true
		done++
	}
	clear(w.flights[:done])
	w.flights = w.flights[done:]
}

func (w *window) unsettled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open
}

// committable returns the offset to commit, if it is not committed.
func (w *window) committable() (kgo.EpochOffset, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next, w.dirty
}

// committed notes that o is committed.
func (w *window) committed(o kgo.EpochOffset) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == o {
		w.dirty = false
	}
}
