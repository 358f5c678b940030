package notify

import (
	"log/slog"

	"unpark/schemas"
)

// log returns what a line about a record on its way says of it: ids and no
// content.
func (f *flight) log(destination string) slog.Attr {
	attrs := []any{
		slog.String(schemas.LogDestination, destination),
		slog.Int64(schemas.LogPartition, int64(f.record.Partition)),
		slog.Int64(schemas.LogOffset, f.record.Offset),
	}
	if e := f.escalation; e != nil {
		attrs = append(attrs, slog.String(schemas.LogOrg, e.Org), slog.String(schemas.LogConversation, e.Conversation),
			slog.String(schemas.LogEscalation, e.ID))
	}
	return slog.Group("", attrs...)
}

// entryLog does the same for an entry of the ledger.
func entryLog(e *entry, destination string) slog.Attr {
	return slog.Group("", slog.String(schemas.LogDestination, destination), slog.Int64(schemas.LogOffset, e.Offset),
		slog.String(schemas.LogOrg, e.Org), slog.String(schemas.LogConversation, e.Conversation), slog.String(schemas.LogEscalation, e.Escalation))
}
