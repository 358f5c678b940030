// Package terminal tells of escalations on a terminal, one line each.
//
// Reads: nothing.
// Writes: the io.Writer it was given.
package terminal

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"unpark/connectors/notify"
	"unpark/connectors/notify/text"
)

// Notifier prints escalations.
type Notifier struct {
	mu    sync.Mutex
	w     io.Writer
	color bool
}

// Option changes how a Notifier prints.
type Option func(*Notifier)

// Color colors the lines by how urgent they are. Ask for it only where w is a
// terminal that shows colors.
func Color() Option { return func(n *Notifier) { n.color = true } }

// New returns a Notifier that prints to w.
func New(w io.Writer, opts ...Option) *Notifier {
	n := &Notifier{w: w}
	for _, o := range opts {
		o(n)
	}
	return n
}

// Capabilities implements notify.Notifier: a terminal takes everything, one line
// after the other.
func (n *Notifier) Capabilities() notify.Capabilities {
	return notify.Capabilities{
		Kinds: notify.KindsOf(notify.Clear, notify.Retract, notify.Acknowledge, notify.Snooze, notify.Remind),
	}
}

// Notify implements notify.Notifier. There is nothing to refer to later.
func (n *Notifier) Notify(ctx context.Context, m notify.Message) (notify.Reference, error) {
	if err := ctx.Err(); err != nil {
		return "", notify.Retryable("timeout", err)
	}
	at := m.Escalation.At.Time().In(cmp.Or(m.Zone, time.UTC)).Format("2006-01-02 15:04:05 MST")
	t := notify.Render(m)
	line := fmt.Sprintf("%s  %s  (%s)\n", at, n.paint(t), t.Details())
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := io.WriteString(n.w, line); err != nil {
		return "", notify.Retryable("write", err)
	}
	return "", nil
}

func (n *Notifier) paint(t text.Text) string {
	if !n.color {
		return t.Headline
	}
	const reset = "\x1b[0m"
	return shade(t.Tone) + t.Headline + reset
}

func shade(t text.Tone) string {
	switch t {
	case text.Good:
		return "\x1b[32m" // green
	case text.Calm:
		return "\x1b[90m" // grey
	case text.Warning:
		return "\x1b[33m" // yellow
	default:
		return "\x1b[31m" // red
	}
}
