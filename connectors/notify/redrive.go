package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// Redrive delivers one escalation to one destination, once, by the rules as they
// are now, and notes it in the ledger, so that the alert is followed to its end.
// value is a dead letter's value and destination its HeaderDestination:
// org/route/index, org/route (all of it), or the org or nothing (what the
// escalation's tier names). Of deps it uses Kafka, Prefix, Clock, Configs and
// Build; without Kafka nothing is noted.
func Redrive(ctx context.Context, deps Deps, value []byte, destination string) error {
	e, err := schemas.DecodeEscalation(value)
	if err != nil {
		return errors.New("redrive: the record is no escalation")
	}
	rules := newRulebook(deps.Configs)
	var p plan
	if destination == "" || destination == e.Org {
		p, err = rules.route(ctx, e, deps.Clock.Now())
	} else {
		p, err = rules.find(e.Org, destination)
	}
	if err != nil {
		return fmt.Errorf("redrive %s: %w", e.ID, err)
	}
	m := p.message(e, value)
	m.Kind = kindOf(e.Status)
	var failures []error
	for _, t := range p.targets {
		m.AlertKey = schemas.DeliveryKey(e.ID, t.name)
		m.MessageKey = m.AlertKey + "/" + m.Kind.String()
		ref, err := deliver(ctx, deps, t, m)
		if err == nil {
			err = noteRedriven(ctx, deps, rules, t, m, ref)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("redrive %s to %s: %w", e.ID, t.name, err))
		}
	}
	return errors.Join(failures...)
}

func deliver(ctx context.Context, deps Deps, t target, m Message) (Reference, error) {
	if t.problem != nil {
		return "", t.problem
	}
	n, err := deps.Build(t.destination)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(Config{}.withDefaults("").AttemptTimeout))
	defer cancel()
	return n.Notify(ctx, m)
}

func noteRedriven(ctx context.Context, deps Deps, rules *rulebook, t target, m Message, ref Reference) error {
	if len(deps.Kafka) == 0 {
		return nil
	}
	now, e := deps.Clock.Now(), m.Escalation
	at := schemas.Instant(now.UnixMilli())
	one := &entry{
		Escalation: e.ID, Org: e.Org, Conversation: e.Conversation, Destination: t.name,
		Status: e.Status, Since: at, RaisedAt: e.At, Record: m.Value,
	}
	tell(one, m.Kind, ref, t.address, rules.habit(one, now).repeat, now)
	value, err := schemas.EncodeDelivery(one)
	if err != nil {
		return err
	}
	return writeToLedger(ctx, deps.Kafka, deps.Prefix, e.Conversation, one.Key(), value)
}

// RecordInteraction records an acknowledgement or a snooze, for the notifier that owns the
// conversation to carry out.
func RecordInteraction(ctx context.Context, kafka []kgo.Opt, prefix string, i Interaction, now time.Time) error {
	c, err := i.command(now)
	if err != nil {
		return err
	}
	value, err := encodeCommand(c)
	if err != nil {
		return err
	}
	return writeToLedger(ctx, kafka, prefix, c.Conversation, c.Key(), value)
}

// writeToLedger writes a record into the partition of a conversation.
func writeToLedger(ctx context.Context, kafka []kgo.Opt, prefix, conversation, key string, value []byte) error {
	cl, err := kgo.NewClient(ledgerOptions(kafka)...)
	if err != nil {
		return err
	}
	defer cl.Close()
	topic := schemas.Deliveries.Name(prefix)
	partition, err := partitionOf(ctx, cl, topic, conversation)
	if err != nil {
		return err
	}
	r := &kgo.Record{Topic: topic, Partition: partition, Key: []byte(key), Value: value}
	return cl.ProduceSync(ctx, r).FirstErr()
}
