package notify

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"unpark/schemas"
)

// kindRouting is the type of the stage that finds the destinations.
const kindRouting = "routing"

// route is the first stage: it finds an escalation's destinations and opens an
// entry in the ledger for each. What ends an alert goes to wherever it was told.
func (d *Dispatcher) route(ctx context.Context, f *flight) error {
	b := d.ledger.book(f.w.partition)
	if b == nil || b.window != f.w {
		return nil // none of ours any more: the flight is dropped with its window
	}
	select {
	case <-b.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	if f.escalation.Status != schemas.StatusRaised {
		d.follow(b, f)
		return nil
	}
	plan, err := d.rules.route(ctx, f.escalation, d.deps.Clock.Now())
	if err != nil {
		return err
	}
	outcome := outcomeRouted
	if len(plan.targets) == 0 {
		outcome = outcomeNobody
	}
	d.metrics.escalations.WithLabelValues(outcome).Inc()
	for _, t := range plan.targets {
		f.split()
		if t.problem != nil {
			d.letters.letterOfFlight(f, t.name, t.problem)
			continue
		}
		d.enter(b, f, t)
	}
	return nil
}

// enter opens an entry; once it is on the topic, the escalation need not be read
// again, and the destination may be told.
func (d *Dispatcher) enter(b *book, f *flight, t target) {
	e := f.escalation
	one := &entry{
		State: schemas.DeliveryPending, Escalation: e.ID, Org: e.Org, Conversation: e.Conversation, Destination: t.name,
		Status: e.Status, Since: schemas.Instant(d.deps.Clock.Now().UnixMilli()), RaisedAt: e.At,
		Offset: f.record.Offset, Record: f.record.Value,
	}
	id := idOf(e.ID, t.name)
	if !b.add(one, d.entered(b, f, id, t.name)) {
		f.settle() // it was read before
		return
	}
	b.hand.know(id, one, e)
}

// entered is what follows when an entry is on the topic.
func (d *Dispatcher) entered(b *book, f *flight, id entryID, destination string) func(error) {
	return func(err error) {
		if errors.Is(err, kerr.MessageTooLarge) {
			d.letters.letterOfFlight(f, destination, Permanent(reasonTooLarge, errors.New("too large for the ledger")))
			return
		}
		d.send(b, id, destination)
		f.settle()
	}
}

// follow notes in the entries of an alert that it is over.
func (d *Dispatcher) follow(b *book, f *flight) {
	e := f.escalation
	d.metrics.escalations.WithLabelValues(outcomeFollowed).Inc()
	for _, id := range b.ids(e.Conversation, e.ID) {
		f.split()
		one := b.load(id)
		if one == nil || one.Escalation != e.ID {
			f.settle()
			continue
		}
		b.change(id, func(one *entry) bool {
			return follow(one, e.Status, f.record.Value, f.record.Offset, d.deps.Clock.Now())
		}, d.entered(b, f, id, one.Destination))
	}
}
