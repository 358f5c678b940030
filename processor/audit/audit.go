// Package audit recomputes from the input topic what a processor must have
// written, and compares it with what it did write. Everything the processor
// learns is on its input, ticks included, so the answer is exact.
//
// Reads: conversation-events, org-config, sla-changelog, escalations.
// Writes: nothing.
package audit

import (
	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

// Partition recomputes one partition of the input. It belongs to one goroutine.
type Partition struct {
	id          int32
	limit       int64 // records below it are applied
	driver      *replay.Driver
	escalations [][]byte
	deadLetters map[string]int
}

// NewPartition returns the audit of a partition whose processor has committed
// its input up to limit. The caller closes it.
func NewPartition(id int32, limit int64, handler stream.Handler) (*Partition, error) {
	p := &Partition{id: id, limit: limit, deadLetters: make(map[string]int)}
	var err error
	p.driver, err = replay.New(handler, func(o stream.Output) error {
		if o.Topic.Suffix == schemas.Escalations.Suffix {
			p.escalations = append(p.escalations, o.Value)
			return nil
		}
		for _, h := range o.Headers {
			if h.Key == schemas.HeaderReason {
				p.deadLetters[string(h.Value)]++
			}
		}
		return nil
	})
	return p, err
}

// Apply applies the next record of the input.
func (p *Partition) Apply(rec stream.Record) error {
	if rec.Offset >= p.limit {
		return nil
	}
	return p.driver.ApplyRecord(rec)
}

// Finish ends the input.
func (p *Partition) Finish() error { return p.driver.Commit() }

// Escalations returns what was recomputed, in order.
func (p *Partition) Escalations() [][]byte { return p.escalations }

// DeadLetters counts what could not be applied, by reason.
func (p *Partition) DeadLetters() map[string]int { return p.deadLetters }

// Close ends the audit.
func (p *Partition) Close() error { return p.driver.Close() }
