package notify

import (
	"context"
	"crypto/rand"
	"time"

	"unpark/connectors/notify/text"
	"unpark/schemas"
)

// Trial is what one destination said to a test alert.
type Trial struct {
	// Destination is its name, org/route/index; Type its form.
	Destination, Type string
	// Reference is how it finds the message again, if it said so.
	Reference Reference
	Took      time.Duration
	// Err is why it was not taken; nil if it was.
	Err error
}

// Try tells each destination of a route of an org of an alert that is marked as a
// test, by the newest rules. It looks neither at quiet hours nor at rates, and the
// ledger knows nothing of it. Of deps it uses Configs, Build and Clock.
func Try(ctx context.Context, deps Deps, org, route string) ([]Trial, error) {
	rules := newRulebook(deps.Configs)
	p, err := rules.find(org, org+"/"+route)
	if err != nil {
		return nil, err
	}
	e := *text.Samples()[0].Subject.Escalation
	e.ID, e.Org, e.At = "test-"+rand.Text(), org, schemas.Instant(deps.Clock.Now().UnixMilli())
	value, err := schemas.EncodeEscalation(&e)
	if err != nil {
		return nil, err
	}
	var trials []Trial
	for _, t := range p.targets {
		m := p.message(&e, value)
		m.Kind, m.Test, m.AlertKey = Alert, true, schemas.DeliveryKey(e.ID, t.name)
		m.MessageKey = m.AlertKey + "/" + Alert.String()
		begun := time.Now()
		ref, err := deliver(ctx, deps, t, m)
		trials = append(trials, Trial{Destination: t.name, Type: t.destination.Type(), Reference: ref, Took: time.Since(begun), Err: err})
	}
	return trials, nil
}
