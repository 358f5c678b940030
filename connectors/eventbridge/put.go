package eventbridge

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Putter puts envelopes into a queue, as an EventBridge rule does. It is for what
// stands in for Genesys.
type Putter struct {
	client *sqs.Client
	url    string
}

// NewPutter finds region and credentials as the bridge does.
func NewPutter(ctx context.Context, c SQS) (*Putter, error) {
	client, err := newSQSClient(ctx, c)
	if err != nil {
		return nil, err
	}
	return &Putter{client, c.URL}, nil
}

// Put returns when the queue has all envelopes, or with the first error.
func (p *Putter) Put(ctx context.Context, envelopes [][]byte) error {
	for batch := range slices.Chunk(envelopes, batchSize) {
		var entries []types.SendMessageBatchRequestEntry
		for i, e := range batch {
			entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(e))})
		}
		out, err := p.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &p.url, Entries: entries})
		if err != nil {
			return fmt.Errorf("send to %s: %w", p.url, err)
		}
		if len(out.Failed) > 0 {
			return fmt.Errorf("send to %s: %d of %d refused: %s", p.url, len(out.Failed), len(entries), aws.ToString(out.Failed[0].Code))
		}
	}
	return nil
}
