package notify

import (
	"sync"
	"time"
)

// past holds back what was raised longer ago than the ledger remembers what is over,
// until the partition is read up to the present: a group that begins at the start of the
// topic meets alerts that were told, ended and forgotten. By then their ends are known,
// and what was over before it was told is never told.
type past struct {
	opened time.Time // when the partition was taken, by the clock that escalations are dated by

	mu      sync.Mutex
	gone    bool      // what stands before the present is settled
	present int64     // offset behind the first that was written after the take-over; 0: none was read
	read    time.Time // when something was read last
	waiting []waitingPast
}

type waitingPast struct {
	id          entryID
	destination string
}

// presentAfter is how many rounds of housekeeping without a record mean that there are
// no more.
const presentAfter = 10

// note notes that records were read up to an offset, the last of them written at an
// instant.
func (p *past) note(next int64, written, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = now
	if p.present == 0 && written.After(p.opened) {
		p.present = next
	}
}

// hold keeps an entry back of which nobody was told; false: it is to be told now.
func (p *past) hold(id entryID, e *entry) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || e.Told != "" || p.opened.Sub(e.RaisedAt.Time()) <= closedFor {
		return false
	}
	p.waiting = append(p.waiting, waitingPast{id, e.Destination})
	return true
}

// release returns what was held back, once all that was read of the past is settled.
func (p *past) release(w *window, now time.Time, quiet time.Duration) []waitingPast {
	next, _ := w.committable()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		p.gone = p.present > 0 && next.Offset >= p.present ||
			!p.read.IsZero() && now.Sub(p.read) > quiet && w.unsettled() == 0
		if !p.gone {
			return nil
		}
	}
	released := p.waiting
	p.waiting = nil
	return released
}
