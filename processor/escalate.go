package processor

import (
	"unpark/processor/stream"
	"unpark/schemas"
)

// escalate turns what a step says into records on escalations.
func (h *Handler) escalate(tx stream.Tx, escalations []*schemas.Escalation) error {
	for _, e := range escalations {
		value, err := schemas.EncodeEscalation(e)
		if err != nil {
			return err
		}
		tx.Emit(stream.Output{
			Topic: schemas.Escalations, Key: []byte(e.Conversation), Value: value,
			Headers: schemas.EscalationHeaders(e),
		})
		h.cfg.Metrics.escalations.WithLabelValues(e.Status, e.Kind).Inc()
	}
	return nil
}
