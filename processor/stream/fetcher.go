package stream

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	fetchWaitMillis = 500
	fetchBytes      = 2 << 20
)

// fetcher reads one partition fetch by fetch. Unlike the client's own consumer
// it tells how far each fetch has read, markers and gaps included.
type fetcher struct {
	client    *kgo.Client
	admin     *kadm.Client
	topic     string
	topicID   kadm.TopicID
	partition int32
	leader    *kgo.Broker
}

// fetch returns the committed records from the offset on, as many as the broker
// gives at once.
func (f *fetcher) fetch(ctx context.Context, offset int64) (chunk, error) {
	if f.leader == nil {
		if err := f.findLeader(ctx); err != nil {
			return chunk{}, err
		}
	}
	kresp, err := f.leader.RetriableRequest(ctx, f.request(offset))
	if err != nil {
		return chunk{}, fmt.Errorf("fetch: %w", err)
	}
	resp := kresp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return chunk{}, fmt.Errorf("fetch: %w", err)
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return chunk{}, fmt.Errorf("fetch: an answer without the partition")
	}
	opts := kgo.ProcessFetchPartitionOpts{Offset: offset, IsolationLevel: kgo.ReadCommitted(), Topic: f.topic, Partition: f.partition}
	fp, next := kgo.ProcessFetchPartition(opts, &resp.Topics[0].Partitions[0], kgo.DefaultDecompressor(), nil)
	if fp.Err != nil {
		return chunk{}, fmt.Errorf("fetch at offset %d: %w", offset, fp.Err)
	}
	return chunk{records: fp.Records, next: max(next, offset), stable: fp.LastStableOffset}, nil
}

func (f *fetcher) request(offset int64) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = fetchWaitMillis, 1, fetchBytes
	req.IsolationLevel = 1 // read committed
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = f.partition, offset, fetchBytes
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = f.topic, f.topicID
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

func (f *fetcher) findLeader(ctx context.Context) error {
	m, err := f.admin.Metadata(ctx, f.topic)
	if err != nil {
		return fmt.Errorf("find the leader: %w", err)
	}
	t := m.Topics[f.topic]
	p, ok := t.Partitions[f.partition]
	if !ok || p.Leader < 0 {
		return fmt.Errorf("find the leader: there is none now")
	}
	f.leader = f.client.Broker(int(p.Leader))
	return nil
}
