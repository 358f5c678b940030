package eventbridge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"unpark/schemas"
)

// occasional logs the same message of a source at most once a minute, so that an
// outage does not fill a disk.
type occasional struct {
	*slog.Logger
	mu   sync.Mutex
	said map[saying]time.Time
}

// saying is what is not repeated: a message, of a source or, if that is empty, of none.
type saying struct{ source, message string }

func (o *occasional) say(level slog.Level, source, message string, args ...any) {
	o.mu.Lock()
	now, what := time.Now(), saying{source, message}
	silent := now.Sub(o.said[what]) < time.Minute
	if !silent {
		o.said[what] = now
	}
	o.mu.Unlock()
	if silent {
		return
	}
	if source != "" {
		args = append([]any{schemas.LogSource, source}, args...)
	}
	o.Log(context.Background(), level, message, args...)
}
