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

// Is says whether a dead letter is an alert that is over by now. One that tells an end
// itself is not, nor is what did not come from escalations.
func (o *Over) Is(ctx context.Context, d DeadLetter) (bool, error) {
	e, err := schemas.DecodeEscalation(d.Value)
	if err != nil || e.Status != schemas.StatusRaised || d.Topic != o.topic || d.Partition < 0 || d.Offset < 0 {
		return false, nil
	}
	p := o.read[d.Partition]
	if p == nil || d.Offset < p.from {
		p = &overs{d.Offset, d.Offset, map[string]bool{}}
		o.read[d.Partition] = p
	}
	err = ReadFrom(ctx, o.opts, o.topic, Position{d.Partition, p.next}, func(r *kgo.Record) error {
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
