package eventbridge

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"unpark/schemas"
)

// batch is what one receive brought, worked on by one goroutine: produce all,
// keep them invisible meanwhile, delete what Kafka has acknowledged.
type batch struct {
	queue    *queue
	to       *sink
	messages []*message
	answers  chan answer
	waiting  int // for this many answers
}

// message is one of a batch.
type message struct {
	types.Message
	sent    int64 // send time, milliseconds since the Unix epoch
	attempt int64 // how often it has been received
	decoded Decoded
	refused *DecodeError // nil: can be used
	done    bool         // acknowledged by Kafka, to be deleted
	gone    bool         // deleted, or left to the queue
}

// answer is Kafka's about one message.
type answer struct {
	to  *message
	err error
}

func (q *queue) newBatch(to *sink, received []types.Message) *batch {
	b := &batch{queue: q, to: to, answers: make(chan answer, 2*len(received))}
	for _, r := range received {
		m := &message{
			Message: r,
			sent:    cmp.Or(number(r, types.MessageSystemAttributeNameSentTimestamp), time.Now().UnixMilli()),
			attempt: number(r, types.MessageSystemAttributeNameApproximateReceiveCount),
		}
		var err error
		m.decoded, err = to.decode(q.name(), body(r))
		m.refused, _ = errors.AsType[*DecodeError](err)
		b.messages = append(b.messages, m)
	}
	return b
}

// sendTimes returns those of the messages that will be produced.
func (b *batch) sendTimes() []int64 {
	var times []int64
	for _, m := range b.messages {
		if m.refused == nil {
			times = append(times, m.sent)
		}
	}
	return times
}

// otherTimes returns the send times of unusable messages received for the first
// time. Later they come back old, and say nothing about the queue.
func (b *batch) otherTimes() []int64 {
	var times []int64
	for _, m := range b.messages {
		if m.refused != nil && m.attempt <= 1 {
			times = append(times, m.sent)
		}
	}
	return times
}

// work ends when every message is deleted or left to the queue, or when ctx
// does; then what is acknowledged is still deleted, and the rest given back.
func (b *batch) work(ctx context.Context) {
	gauge := b.to.metrics.inFlight.WithLabelValues(b.queue.name())
	gauge.Add(float64(len(b.messages)))
	defer gauge.Sub(float64(len(b.messages)))

	b.produce(ctx)
	extend := time.NewTicker(b.queue.visibility / 2)
	defer extend.Stop()
	for b.waiting > 0 && ctx.Err() == nil {
		select {
		case a := <-b.answers:
			b.waiting--
			b.answered(ctx, a)
		case <-extend.C:
			b.extend(ctx)
			b.delete(ctx) // what is acknowledged need not wait for what is not
		case <-ctx.Done():
		}
	}
	b.hear(ctx)
	b.delete(ctx)
	if ctx.Err() != nil {
		b.giveBack(ctx)
	}
}

// hear takes in what Kafka has answered already.
func (b *batch) hear(ctx context.Context) {
	for b.waiting > 0 {
		select {
		case a := <-b.answers:
			b.waiting--
			b.answered(ctx, a)
		default:
			return
		}
	}
}

func (b *batch) produce(ctx context.Context) {
	for _, m := range b.messages {
		if m.refused != nil {
			b.refuse(ctx, m)
			continue
		}
		b.waiting++
		b.to.produce(ctx, b.queue.name(), m.decoded, b.answer(m))
	}
}

// answer returns a callback for Kafka's answer about m. The channel has room for
// all answers, so Kafka's client never waits.
func (b *batch) answer(m *message) func(error) {
	return func(err error) {
		if m.refused == nil && (err == nil || refused(err)) {
			b.queue.progress.settled(m.sent)
		}
		b.answers <- answer{m, err}
	}
}

func (b *batch) answered(ctx context.Context, a answer) {
	switch {
	case a.err == nil:
		a.to.done = true
	case refused(a.err) && a.to.refused == nil:
		a.to.refused = tooLargeForKafka(a.err)
		b.refuse(ctx, a.to)
	case ctx.Err() == nil: // the queue will deliver it again
		a.to.gone = true
	}
}

// refuse leaves an unusable message to the queue's own dead-letter queue; if the
// queue has none, dead-letters gets it.
func (b *batch) refuse(ctx context.Context, m *message) {
	name, reason := b.queue.name(), m.refused.Reason
	b.to.metrics.attempts.WithLabelValues(name, string(reason)).Inc()
	if m.attempt <= 1 {
		b.to.metrics.undecodable.WithLabelValues(name, string(reason)).Inc()
	}
	b.to.log.say(slog.LevelWarn, name, "a message cannot be used: "+string(reason),
		schemas.LogReason, reason, schemas.LogAttempt, m.attempt)
	if b.queue.redrives {
		m.gone = true
		return
	}
	b.waiting++
	b.to.deadLetter(ctx, name, body(m.Message), m.refused, b.answer(m))
}
