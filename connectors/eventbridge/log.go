package eventbridge

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// occasional logs the same message at most once a minute, so that an outage does
// not fill a disk.
type occasional struct {
	*slog.Logger
	mu   sync.Mutex
	said map[string]time.Time
}

func (o *occasional) say(level slog.Level, message string, args ...any) {
	o.mu.Lock()
	now := time.Now()
	silent := now.Sub(o.said[message]) < time.Minute
	if !silent {
		o.said[message] = now
	}
	o.mu.Unlock()
	if !silent {
		o.Log(context.Background(), level, message, args...)
	}
}
