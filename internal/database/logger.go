package database

import (
	"fmt"
	"log/slog"
	"os"
)

// logger passes Pebble's messages on. What Pebble finds worth telling is of no
// interest to an operator, except errors.
type logger struct{ log *slog.Logger }

func (l logger) Infof(format string, args ...any) { l.log.Debug(fmt.Sprintf(format, args...)) }

func (l logger) Errorf(format string, args ...any) { l.log.Error(fmt.Sprintf(format, args...)) }

// Fatalf is called when the database cannot go on; it must not return. It may be called
// by any of Pebble's goroutines, so nobody is there to be told but the operator.
func (l logger) Fatalf(format string, args ...any) {
	l.log.Error("database: " + fmt.Sprintf(format, args...))
	os.Exit(1)
}
