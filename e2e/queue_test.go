package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"unpark/internal/localtest"
)

const (
	senders     = 16
	sqsBatch    = 10
	maxReceives = 2
	visibility  = 4 * time.Second
)

var anyone = credentials.NewStaticCredentialsProvider("e2e", "e2e", "")

// queue is one of SQS, and of the same kind what it gives up.
type queue struct {
	t      *testing.T
	client *sqs.Client
	url    string
	arn    string
}

// createQueue makes a queue; with dead it moves there what is received too often.
func createQueue(t *testing.T, endpoint, name string, dead *queue) *queue {
	t.Helper()
	q := &queue{t: t, client: sqs.New(sqs.Options{BaseEndpoint: &endpoint, Region: localtest.Region, Credentials: anyone})}
	attributes := map[string]string{string(types.QueueAttributeNameVisibilityTimeout): strconv.Itoa(int(visibility.Seconds()))}
	if dead != nil {
		policy, err := json.Marshal(map[string]string{"deadLetterTargetArn": dead.arn, "maxReceiveCount": strconv.Itoa(maxReceives)})
		if err != nil {
			t.Fatal(err)
		}
		attributes[string(types.QueueAttributeNameRedrivePolicy)] = string(policy)
	}
	created, err := q.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	q.url = *created.QueueUrl
	q.arn = q.attributes(types.QueueAttributeNameQueueArn)[string(types.QueueAttributeNameQueueArn)]
	return q
}

// source is the queue as a source of the bridge.
func (q *queue) source() string { return fmt.Sprintf(`{sqs: {url: "%s"}}`, q.url) }

func (q *queue) attributes(names ...types.QueueAttributeName) map[string]string {
	q.t.Helper()
	out, err := q.client.GetQueueAttributes(q.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: names})
	if err != nil {
		q.t.Fatal(err)
	}
	return out.Attributes
}

// size counts the messages, those included that somebody has just received.
func (q *queue) size() int {
	q.t.Helper()
	total := 0
	for _, text := range q.attributes(types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible, types.QueueAttributeNameApproximateNumberOfMessagesDelayed) {
		n, err := strconv.Atoi(text)
		if err != nil {
			q.t.Fatal(err)
		}
		total += n
	}
	return total
}

// send sends in batches side by side, roughly in order.
func (q *queue) send(bodies [][]byte) {
	q.t.Helper()
	ctx, fail := context.WithCancelCause(q.t.Context())
	defer fail(nil)
	batches := make(chan [][]byte)
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			for batch := range batches {
				if err := q.sendBatch(ctx, batch); err != nil {
					fail(err)
				}
			}
		})
	}
	for batch := range slices.Chunk(bodies, sqsBatch) {
		batches <- batch
	}
	close(batches)
	sending.Wait()
	if err := context.Cause(ctx); err != nil {
		q.t.Fatalf("send to %s: %v", q.url, err)
	}
}

func (q *queue) sendBatch(ctx context.Context, bodies [][]byte) error {
	in := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
	for i, body := range bodies {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(body))})
	}
	out, err := q.client.SendMessageBatch(ctx, in)
	if err == nil && len(out.Failed) > 0 {
		err = fmt.Errorf("%d of a batch refused: %s", len(out.Failed), aws.ToString(out.Failed[0].Message))
	}
	return err
}

// take receives and deletes n messages and returns their bodies.
func (q *queue) take(n int) []string {
	q.t.Helper()
	var bodies []string
	for len(bodies) < n {
		out, err := q.client.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.url, MaxNumberOfMessages: sqsBatch, WaitTimeSeconds: 20})
		if err != nil || len(out.Messages) == 0 {
			q.t.Fatalf("received %d of %d messages from %s: %v", len(bodies), n, q.url, err)
		}
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &q.url}
		for i, m := range out.Messages {
			bodies = append(bodies, *m.Body)
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
		}
		if _, err := q.client.DeleteMessageBatch(q.t.Context(), in); err != nil {
			q.t.Fatal(err)
		}
	}
	return bodies
}
