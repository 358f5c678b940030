package notify

import (
	"context"
)

// kindRouting is the type of the stage that finds the destinations.
const kindRouting = "routing"

// router is the first stage: it finds an escalation's destinations and puts a
// delivery into the queue of each.
type router struct{ d *Dispatcher }

func (r router) send(ctx context.Context, routing *delivery) error {
	f := routing.flight
	plan, err := route(ctx, r.d.deps.Configs, f.escalation)
	if err != nil {
		return err
	}
	outcome := "routed"
	if len(plan.targets) == 0 {
		outcome = "told_nobody"
	}
	r.d.metrics.escalations.WithLabelValues(outcome).Inc()
	for _, t := range plan.targets {
		f.split()
		r.forward(f, plan, t)
	}
	return nil
}

func (r router) forward(f *flight, p plan, t target) {
	one := &delivery{flight: f, kind: t.destination.Type(), destination: t.name, message: p.message(f.escalation, f.record.Value)}
	one.message.AlertKey = f.escalation.ID + "/" + t.name
	one.message.MessageKey = one.message.AlertKey + "/" + one.message.Kind.String()
	if t.problem != nil {
		one.kind = kindRouting
		r.d.letters.bury(one, t.problem)
		return
	}
	r.d.queue(one.kind, t.destination.key(), func() (sender, error) {
		n, err := r.d.deps.Build(t.destination)
		return destinationSender{n}, err
	}).push(one)
}

// refuser stands for a destination that cannot be built.
type refuser struct{ err error }

func (r refuser) send(context.Context, *delivery) error { return r.err }

// kindOf is what an escalation's record is, told by itself.
func kindOf(status string) Kind {
	switch status {
	case "cleared":
		return Clear
	case "retracted":
		return Retract
	}
	return Alert
}
