package eventbridge

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/schemas"
)

// sink puts records on Kafka. It is safe for concurrent use.
type sink struct {
	client          *kgo.Client
	events, letters string // topics
	clock           clock.Clock
	keep            func(org string) ([]string, bool)
	metrics         *metrics
	log             *occasional
}

// decode reads an envelope of a source and counts what it saw.
func (s *sink) decode(source string, raw []byte) (Decoded, error) {
	s.metrics.received.WithLabelValues(source).Inc()
	d, err := Decode(raw, s.keep)
	if err != nil {
		return d, err
	}
	if e := d.Input.GetEvent(); e != nil {
		e.Source = source
	}
	if !d.OrgKnown {
		s.metrics.unknownOrg.WithLabelValues(source).Inc()
	}
	return d, nil
}

// produce puts a decoded envelope on conversation-events. done is called once,
// with nil when Kafka has acknowledged the record. It is tried until then; done
// gets an error only if Kafka will never take the record or ctx has ended.
func (s *sink) produce(ctx context.Context, source string, d Decoded, done func(error)) {
	value, err := d.Input.MarshalVT()
	if err != nil {
		done(err)
		return
	}
	s.send(ctx, source, &kgo.Record{Topic: s.events, Key: []byte(d.Conversation), Value: value}, func(err error) {
		if err == nil {
			s.metrics.produced.WithLabelValues(source).Inc()
		}
		done(err)
	})
}

// deadLetter puts what may be kept of an envelope on dead-letters.
func (s *sink) deadLetter(ctx context.Context, source string, raw []byte, why *DecodeError, done func(error)) {
	s.metrics.deadLetters.WithLabelValues(source, string(why.Reason)).Inc()
	letter := schemas.DeadLetter{
		Value: Blank(raw), Reason: string(why.Reason), Error: why.Err.Error(),
		Origin: "bridge", Topic: source, Partition: -1, Offset: -1,
	}
	r := &kgo.Record{Topic: s.letters, Value: letter.Value}
	for _, h := range letter.Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	s.send(ctx, source, r, done)
}

// countUndecodable counts an envelope that is seen only once.
func (s *sink) countUndecodable(source string, why *DecodeError) {
	s.metrics.undecodable.WithLabelValues(source, string(why.Reason)).Inc()
	s.metrics.attempts.WithLabelValues(source, string(why.Reason)).Inc()
}
