package kafka

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Logger returns the client's log as a slog one. kgo tells at info what only
// its developers want to know, so that becomes debug.
func Logger(l *slog.Logger) kgo.Logger { return clientLog{l} }

type clientLog struct{ l *slog.Logger }

func (c clientLog) Level() kgo.LogLevel {
	if c.l.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelWarn
}

func (c clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelDebug
	switch level {
	case kgo.LogLevelError:
		to = slog.LevelError
	case kgo.LogLevelWarn:
		to = slog.LevelWarn
	}
	c.l.Log(context.Background(), to, msg, keyvals...)
}

// brokerLog is the same for the embedded broker, whose warnings are the errors
// it answers its clients with, who tell of them themselves.
type brokerLog struct{ l *slog.Logger }

func (b brokerLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		b.l.Error(fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		if b.l.Enabled(context.Background(), slog.LevelDebug) {
			b.l.Debug(fmt.Sprintf(format, args...))
		}
	}
}
