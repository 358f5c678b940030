package genesys

import (
	"maps"
	"sync"
	"time"
)

// hourly bounds the actions of an org within any hour, by the requests that they
// were taken for.
type hourly struct {
	mu    sync.Mutex
	taken map[string]time.Time
}

func newHourly() *hourly { return &hourly{taken: make(map[string]time.Time)} }

// take notes one more action if fewer than most were taken in the last hour, or again
// one that was.
func (h *hourly) take(request string, now time.Time, most int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.DeleteFunc(h.taken, func(_ string, at time.Time) bool { return now.Sub(at) >= time.Hour })
	if _, again := h.taken[request]; !again && len(h.taken) >= most {
		return false
	}
	h.taken[request] = now
	return true
}

// note counts an action that was taken before, maybe by another process.
func (h *hourly) note(request string, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if known, ok := h.taken[request]; !ok || at.After(known) {
		h.taken[request] = at
	}
}
