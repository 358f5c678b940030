package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/connectors/eventbridge"
	"unpark/connectors/kafka"
	"unpark/connectors/orgconfig"
	"unpark/schemas"
)

// logHistory is conversation-events as it stands, to be judged as it was.
type logHistory struct{ cluster *cluster }

func (logHistory) close() {}

// read implements history.
func (h logHistory) read(ctx context.Context, r *replayRun) error {
	if err := cutOff(ctx, h.cluster); errors.Is(err, errCutOff) {
		_, _ = fmt.Fprintln(r.stderr, "warning:", err)
	} else if err != nil {
		return err
	}
	limits, err := h.decided(ctx)
	if err != nil {
		return err
	}
	return h.cluster.withOrgs(ctx, func(orgs *orgconfig.Store) error {
		partitions, records, err := recompute(ctx, h.cluster, orgs, limits)
		defer closePartitions(partitions)
		if err != nil {
			return err
		}
		r.summary.Records = records
		for _, id := range slices.Sorted(maps.Keys(partitions)) {
			for reason, n := range partitions[id].DeadLetters() {
				r.draft.deadLetters[reason] += n
			}
			for _, value := range partitions[id].Escalations() {
				if err := r.draft.tell(value); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// decided returns up to which offsets the processor has decided: where its group
// stands, or the ends of the topic if it has none.
func (h logHistory) decided(ctx context.Context) (map[int32]int64, error) {
	adm, err := kadm.NewOptClient(h.cluster.kafka...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	defer adm.Close()
	prefix := h.cluster.layout.Prefix
	limits, err := committedInput(ctx, adm, prefix)
	if err != nil || len(limits) > 0 {
		return limits, err
	}
	return kafka.CommittedEnds(ctx, h.cluster.kafka, schemas.ConversationEvents.Name(prefix))
}

// topicHistory is the facts on conversation-events.
type topicHistory struct{ cluster *cluster }

func (topicHistory) close() {}

// read implements history. Ticks, activations and progress are left out: time and
// rules are the replay's own.
func (h topicHistory) read(ctx context.Context, r *replayRun) error {
	topic := schemas.ConversationEvents.Name(h.cluster.layout.Prefix)
	return kafka.ReadMerged(ctx, h.cluster.kafka, topic, func(rec *kgo.Record) error {
		r.summary.Records++
		where := fmt.Sprintf("%s/%d offset %d", topic, rec.Partition, rec.Offset)
		if err := r.record(where, rec.Value); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		return nil
	})
}

// record judges what a record says. Each judge has its own copy.
func (r *replayRun) record(where string, value []byte) error {
	for i, j := range r.judges {
		in, org, conversation, at, unusable := decodeFact(value)
		if unusable != nil {
			r.unusable(where, unusable)
			return nil
		}
		if in == nil {
			return nil
		}
		if _, known := j.rules.orgs[org]; i == 0 && !known {
			r.summary.UnknownOrgs[org]++
		}
		if err := j.pipe(in, conversation, at); err != nil {
			return err
		}
	}
	return nil
}

// decodeFact returns the event or observation of a record with its org, its
// conversation and own time; nil if it is neither.
func decodeFact(value []byte) (in *schemas.InputRecord, org, conversation string, at int64, unusable *eventbridge.DecodeError) {
	in = new(schemas.InputRecord)
	if err := in.UnmarshalVT(value); err != nil {
		return nil, "", "", 0, &eventbridge.DecodeError{Reason: "undecodable", Err: err}
	}
	switch kind := in.Kind.(type) {
	case *schemas.InputRecord_Event:
		// How far its source was read is left out, so nothing may wait for it.
		kind.Event.Source = ""
		org, conversation, at = kind.Event.OrgId, kind.Event.ConversationId, kind.Event.EventTimeMs
	case *schemas.InputRecord_ThreadObserved:
		org, conversation, at = kind.ThreadObserved.OrgId, kind.ThreadObserved.ConversationId, kind.ThreadObserved.ObservedAtMs
	default:
		return nil, "", "", 0, nil
	}
	if !eventbridge.Plausible(at) {
		return nil, "", "", 0, &eventbridge.DecodeError{Reason: eventbridge.BadTime, Err: errors.New("event time missing or outside 2010..2100")}
	}
	return in, org, conversation, at, nil
}
