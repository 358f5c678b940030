package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"unpark/schemas"
)

// Redrive delivers one escalation to one destination, once, by the rules as they
// are now. value is a dead letter's value and destination its HeaderDestination:
// org/route/index, org/route (all of it), or the org or nothing (what the
// escalation's tier names). Of deps it uses Configs and Build.
func Redrive(ctx context.Context, deps Deps, value []byte, destination string) error {
	e, err := schemas.DecodeEscalation(value)
	if err != nil {
		return errors.New("redrive: the record is no escalation")
	}
	var p plan
	if destination == "" || destination == e.Org {
		p, err = route(ctx, deps.Configs, e)
	} else {
		p, err = find(deps.Configs, e.Org, destination)
	}
	if err != nil {
		return fmt.Errorf("redrive %s: %w", e.ID, err)
	}
	m := p.message(e, value)
	var failures []error
	for _, t := range p.targets {
		if err := deliver(ctx, deps, t, m); err != nil {
			failures = append(failures, fmt.Errorf("redrive %s to %s: %w", e.ID, t.name, err))
		}
	}
	return errors.Join(failures...)
}

func deliver(ctx context.Context, deps Deps, t target, m Message) error {
	if t.problem != nil {
		return t.problem
	}
	n, err := deps.Build(t.destination)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(Config{}.withDefaults("").AttemptTimeout))
	defer cancel()
	_, err = n.Notify(ctx, m)
	return err
}
