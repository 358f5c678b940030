package notify

import (
	"context"
	"log/slog"

	"unpark/schemas"
)

// delivery is one part of a flight: one escalation on its way to one destination,
// or to being routed.
type delivery struct {
	flight      *flight
	message     Message
	kind        string // the destination's type, or routing
	destination string // org/route/index; the org while it is being routed
	attempts    int
}

// sender is a stage that deliveries pass through: routing, then a destination.
// Whatever is to happen around sending, such as asking a ledger whether it has
// happened before, is a sender around a sender.
type sender interface {
	// send returns nil if the delivery has been taken; errors as a Notifier's.
	send(ctx context.Context, d *delivery) error
}

// destinationSender hands the message to a Notifier.
type destinationSender struct{ notifier Notifier }

func (s destinationSender) send(ctx context.Context, d *delivery) error {
	_, err := s.notifier.Notify(ctx, d.message)
	return err
}

// log returns what a line about the delivery says of it: ids and no content.
func (d *delivery) log() slog.Attr {
	r := d.flight.record
	attrs := []any{
		slog.String(schemas.LogDestination, d.destination),
		slog.Int64(schemas.LogPartition, int64(r.Partition)),
		slog.Int64(schemas.LogOffset, r.Offset),
		slog.Int(schemas.LogAttempt, d.attempts),
	}
	if e := d.flight.escalation; e != nil {
		attrs = append(attrs, slog.String(schemas.LogOrg, e.Org), slog.String(schemas.LogConversation, e.Conversation),
			slog.String(schemas.LogEscalation, e.ID))
	}
	return slog.Group("", attrs...)
}
