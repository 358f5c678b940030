package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/schemas"
)

// DeadLetter is a record of dead-letters and where it lies there.
type DeadLetter struct {
	schemas.DeadLetter
	// At is the partition and offset on dead-letters, by which it is redriven.
	At Position
	// Time is when it was given up.
	Time time.Time
	// Destination did not take it; only of the notifier's.
	Destination string
}

// Position is a place on a topic.
type Position struct {
	Partition int32
	Offset    int64
}

func (p Position) String() string { return fmt.Sprintf("%d/%d", p.Partition, p.Offset) }

// Filter says which dead letters are meant; what is zero does not matter.
type Filter struct {
	Reason string
	Origin string
	// At, if any, are the only ones.
	At []Position
}

func (f Filter) match(d DeadLetter) bool {
	return (f.Reason == "" || f.Reason == d.Reason) &&
		(f.Origin == "" || f.Origin == d.Origin) &&
		(len(f.At) == 0 || slices.Contains(f.At, d.At))
}

// ListDeadLetters calls each for the dead letters that match, oldest first in
// each partition, up to the topic's end as of the call.
func ListDeadLetters(ctx context.Context, opts []kgo.Opt, prefix string, f Filter, each func(DeadLetter) error) error {
	topic := schemas.DeadLetters.Name(prefix)
	return ReadToEnd(ctx, opts, topic, func(r *kgo.Record) error {
		if d := decode(r); f.match(d) {
			return each(d)
		}
		return nil
	})
}

// Redrive sends a dead letter to the topic it was on its way to, as it was. It
// stays on dead-letters; the record says with its origin headers where it came
// from, so that one sent twice can be told.
func Redrive(ctx context.Context, cl *kgo.Client, prefix string, d DeadLetter, c clock.Clock) error {
	if !d.Redrivable() {
		return fmt.Errorf("dead letter %s (%s) cannot be sent again: what it held was not kept", d.At, d.Reason)
	}
	r := &kgo.Record{
		Topic: prefix + d.Redrive, Key: d.Key, Value: d.Value, Timestamp: c.Now(),
		Headers: []kgo.RecordHeader{
			{Key: schemas.HeaderOrigin, Value: []byte("redrive")},
			{Key: schemas.HeaderOriginTopic, Value: []byte(schemas.DeadLetters.Name(prefix))},
			{Key: schemas.HeaderOriginPartition, Value: strconv.AppendInt(nil, int64(d.At.Partition), 10)},
			{Key: schemas.HeaderOriginOffset, Value: strconv.AppendInt(nil, d.At.Offset, 10)},
		},
	}
	if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
		return fmt.Errorf("send dead letter %s to %s: %w", d.At, r.Topic, err)
	}
	return nil
}

// Redrivable says whether Redrive can send it. Only unpark's own topics are
// written to, whatever the header says.
func (d DeadLetter) Redrivable() bool {
	return slices.ContainsFunc(schemas.Topics(), func(t schemas.Topic) bool {
		return t.Suffix == d.Redrive && t.Suffix != schemas.DeadLetters.Suffix
	})
}

// decode reads the headers; those it does not know are kept in Extra.
func decode(r *kgo.Record) DeadLetter {
	d := DeadLetter{At: Position{r.Partition, r.Offset}, Time: r.Timestamp}
	d.Key, d.Value = r.Key, r.Value
	d.Partition, d.Offset = -1, -1
	for _, h := range r.Headers {
		v := string(h.Value)
		switch h.Key {
		case schemas.HeaderReason:
			d.Reason = v
		case schemas.HeaderError:
			d.Error = v
		case schemas.HeaderOrigin:
			d.Origin = v
		case schemas.HeaderOriginTopic:
			d.Topic = v
		case schemas.HeaderOriginPartition:
			d.Partition = int32(number(v))
		case schemas.HeaderOriginOffset:
			d.Offset = number(v)
		case schemas.HeaderRedriveTopic:
			d.Redrive = v
		case schemas.HeaderDestination:
			d.Destination = v
		default:
			d.Extra = append(d.Extra, schemas.Header{Key: h.Key, Value: h.Value})
		}
	}
	return d
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
