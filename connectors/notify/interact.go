package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/connectors/notify/text"
	"unpark/schemas"
)

// maxSnooze bounds for how long an alert may be silenced.
const maxSnooze = 7 * 24 * time.Hour

// Interact records what a person did at a destination. It returns once the
// brokers have it; the notifier that owns the conversation, which may be another
// process, carries it out.
func (d *Dispatcher) Interact(ctx context.Context, i Interaction) error {
	return RecordInteraction(ctx, d.deps.Kafka, d.deps.Prefix, i, d.deps.Clock.Now())
}

func (i Interaction) command(now time.Time) (schemas.DeliveryCommand, error) {
	switch {
	case i.Conversation == "":
		return schemas.DeliveryCommand{}, errors.New("which conversation is missing")
	case i.Snooze < 0 || i.Snooze > maxSnooze:
		return schemas.DeliveryCommand{}, fmt.Errorf("an alert can be silenced for up to %s", maxSnooze)
	}
	lasts := i.Snooze
	if lasts == 0 {
		lasts = acknowledgedFor
	}
	return schemas.DeliveryCommand{
		Conversation: i.Conversation, Escalation: i.Escalation, Snooze: i.Snooze > 0,
		Mark: Mark{By: text.Name(i.By), At: schemas.Instant(now.UnixMilli()), Until: schemas.Instant(now.Add(lasts).UnixMilli())},
	}, nil
}

func encodeCommand(c schemas.DeliveryCommand) ([]byte, error) { return json.Marshal(c) }

func decodeCommand(value []byte) (c schemas.DeliveryCommand, err error) {
	return c, json.Unmarshal(value, &c)
}

// partitionOf is the partition in which a conversation's escalations lie.
func partitionOf(ctx context.Context, cl *kgo.Client, topic, conversation string) (int32, error) {
	topics, err := kadm.NewClient(cl).ListTopics(ctx, topic)
	if err != nil {
		return 0, err
	}
	n := len(topics[topic].Partitions)
	if n == 0 {
		return 0, fmt.Errorf("topic %s is missing; run: unpark topics create", topic)
	}
	p := kgo.StickyKeyPartitioner(nil).ForTopic(topic).Partition(&kgo.Record{Key: []byte(conversation)}, n)
	return int32(p), nil
}
