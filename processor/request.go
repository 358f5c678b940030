package processor

import (
	"fmt"

	"unpark/processor/sla"
	"unpark/processor/stream"
	"unpark/schemas"
)

// request turns what a step asks for into records on genesys-requests.
func (h *Handler) request(tx stream.Tx, requests []*schemas.GenesysRequest) error {
	for _, r := range requests {
		value, err := r.MarshalVT()
		if err != nil {
			return fmt.Errorf("encode request %s: %w", r.Id, err)
		}
		tx.Emit(stream.Output{Topic: schemas.GenesysRequests, Key: []byte(r.OrgId), Value: value})
		h.cfg.Metrics.requests.WithLabelValues(h.cfg.Metrics.org(r.OrgId), sla.UrgencyNames[r.Urgency]).Inc()
	}
	return nil
}

// answered counts what became of requests.
func (h *Handler) answered(org string, answers []sla.Answer) {
	for _, a := range answers {
		h.cfg.Metrics.answers.WithLabelValues(h.cfg.Metrics.org(org), string(a)).Inc()
	}
}
