package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/connectors/kafka"
	"unpark/schemas"
)

// partitionStates is what a partition knows of one conversation and of the orgs.
type partitionStates struct {
	now           int64
	orgs          map[string]*schemas.OrgState
	conversations map[string]*schemas.ConversationState // by org
}

func newPartitionStates() *partitionStates {
	return &partitionStates{orgs: make(map[string]*schemas.OrgState), conversations: make(map[string]*schemas.ConversationState)}
}

// readStates reads sla-changelog and keeps the newest values that concern the
// conversation, by partition.
func readStates(ctx context.Context, c *cluster, conversation string) ([]*partitionStates, error) {
	partitions := make(map[int32]*partitionStates)
	err := kafka.ReadToEnd(ctx, c.kafka, schemas.SLAChangelog.Name(c.layout.Prefix), func(r *kgo.Record) error {
		p := partitions[r.Partition]
		if p == nil {
			p = newPartitionStates()
			partitions[r.Partition] = p
		}
		return p.learn(r.Key, r.Value, conversation)
	})
	if err != nil {
		return nil, err
	}
	var list []*partitionStates
	for _, id := range slices.Sorted(maps.Keys(partitions)) {
		list = append(list, partitions[id])
	}
	return list, nil
}

// learn takes a record of the changelog; a value of nil deletes its key.
func (p *partitionStates) learn(key, value []byte, conversation string) (err error) {
	if len(key) == 0 {
		return nil
	}
	switch key[0] {
	case schemas.KindMeta:
		meta := new(schemas.PartitionMeta)
		err = meta.UnmarshalVT(value)
		p.now = meta.NowMs
	case schemas.KindOrg:
		st := new(schemas.OrgState)
		err = st.UnmarshalVT(value)
		p.orgs[string(key[1:])] = st
	case schemas.KindConversation:
		org, id, keyErr := schemas.ParseConversationKey(key)
		switch {
		case keyErr != nil:
			return keyErr
		case id != conversation:
		case value == nil:
			delete(p.conversations, org)
		default:
			p.conversations[org], err = schemas.DecodeState(value)
		}
	}
	if err != nil {
		return fmt.Errorf("state of %q: %w", key, err)
	}
	return nil
}
