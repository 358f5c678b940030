package stream

import "sync"

// waker cuts a poll short. A signal without a poll is kept for the next one.
type waker struct {
	mu      sync.Mutex
	pending bool
	fn      func()
}

func (w *waker) signal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = w.fn == nil
	if w.fn != nil {
		w.fn()
	}
}

// arm has fn called by the next signal, until disarm.
func (w *waker) arm(fn func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fn = fn; w.pending {
		w.pending = false
		fn()
	}
}

func (w *waker) disarm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fn = nil
}
