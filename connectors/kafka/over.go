package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// Over tells of dead letters whether their alert has ended since it was raised, by what
// followed it on escalations. It reads a partition on from where it was the last time.
type Over struct {
	opts  []kgo.Opt
	topic string
	read  map[int32]*overs
}

// overs are the escalations that ended in a part of a partition.
type overs struct {
	from, next int64
	ids        map[string]bool
}

// NewOver returns an Over for the topics of prefix.
func NewOver(opts []kgo.Opt, prefix string) *Over {
	return &Over{opts: opts, topic: schemas.Escalations.Name(prefix), read: map[int32]*overs{}}
}

// Expect says that a dead letter will be asked about. A partition is read once if all of
// its letters are expected before one is asked about, in whatever order.
func (o *Over) Expect(d DeadLetter) {
	if _, ok := o.raised(d); ok {
		o.from(d)
	}
}

// raised returns the alert that a dead letter is; false: it tells an end itself, or did
// not come from escalations.
func (o *Over) raised(d DeadLetter) (*schemas.Escalation, bool) {
	e, err := schemas.DecodeEscalation(d.Value)
	return e, err == nil && e.Status == schemas.StatusRaised && d.Topic == o.topic && d.Partition >= 0 && d.Offset >= 0
}

// from is what is known of the dead letter's partition, from the letter on.
func (o *Over) from(d DeadLetter) *overs {
	p := o.read[d.Partition]
	if p == nil || d.Offset < p.from {
		p = &overs{d.Offset, d.Offset, map[string]bool{}}
		o.read[d.Partition] = p
	}
	return p
}

// Is says whether a dead letter is an alert that is over by now.
func (o *Over) Is(ctx context.Context, d DeadLetter) (bool, error) {
	e, ok := o.raised(d)
	if !ok {
		return false, nil
	}
	p := o.from(d)
	err := ReadFrom(ctx, o.opts, o.topic, Position{d.Partition, p.next}, func(r *kgo.Record) error {
		p.next = r.Offset + 1
		switch after, err := schemas.DecodeEscalation(r.Value); {
		case err != nil:
		case after.Status == schemas.StatusRaised:
			delete(p.ids, after.ID)
		default:
			p.ids[after.ID] = true
		}
		return nil
	})
	return p.ids[e.ID], err
}
