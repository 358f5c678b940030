package eventbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"unpark/schemas"
)

const (
	longPoll    = 20 * time.Second // SQS's longest
	callTimeout = 10 * time.Second
	pollTimeout = longPoll + 5*time.Second
	lastPoll    = time.Second // how long a poll goes on after a stop

	// batchSize is the most messages that one call of SQS may name.
	batchSize = 10
	// batchesPerReceiver bounds what waits for Kafka; then receivers stop.
	batchesPerReceiver = 16

	firstBackoff = time.Second
	lastBackoff  = 30 * time.Second
)

// queue is a source that is an SQS queue.
type queue struct {
	config   SQS
	client   Queue
	progress *queueProgress
	slots    slots       // one taken for each batch that is worked on
	received atomic.Bool // one receive worked

	// Of the queue, read before the first receive.
	visibility time.Duration
	redrives   bool // SQS itself moves what is received too often
}

func newQueue(c SQS, client Queue) *queue {
	return &queue{
		config: c, client: client,
		progress: newQueueProgress(c.receivers()),
		slots:    make(slots, batchesPerReceiver*c.receivers()),
	}
}

func (q *queue) name() string { return q.config.name() }

func (q *queue) ready() error {
	if !q.received.Load() {
		return errors.New("nothing received yet")
	}
	return nil
}

// readUpTo counts in the wall's time, by which SQS dates what was sent; on a
// simulated clock the queue has been read up to as far back as on the wall.
func (q *queue) readUpTo(now int64) (int64, bool) {
	wall := time.Now().UnixMilli()
	upTo, ok := q.progress.readUpTo(wall)
	return now - (wall - upTo), ok
}

func (q *queue) run(stop, work context.Context, to *sink) error {
	q.describe(stop, to)
	var receivers, batches sync.WaitGroup
	for id := range q.config.receivers() {
		receivers.Go(func() { q.receive(stop, work, to, id, &batches) })
	}
	receivers.Wait()
	batches.Wait()
	return nil
}

// describe asks for the queue's attributes until it gets them: without them
// nobody knows what becomes of a message that cannot be decoded.
func (q *queue) describe(stop context.Context, to *sink) {
	for backoff := firstBackoff; stop.Err() == nil; backoff = min(2*backoff, lastBackoff) {
		err := q.attributes(stop)
		if err == nil {
			break
		}
		if stop.Err() == nil {
			to.metrics.failures.WithLabelValues(q.name(), opReceive).Inc()
			to.log.say(slog.LevelError, q.name(), "cannot read the queue's attributes", schemas.LogError, err)
		}
		pause(stop, backoff)
	}
	if stop.Err() == nil && !q.redrives {
		to.log.Warn("the queue has no dead-letter queue (RedrivePolicy): what cannot be decoded goes, blanked, to dead-letters",
			schemas.LogSource, q.name(), schemas.LogTopic, to.letters)
	}
}

func (q *queue) attributes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       &q.config.URL,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameRedrivePolicy, types.QueueAttributeNameVisibilityTimeout},
	})
	if err != nil {
		return err
	}
	seconds, err := strconv.Atoi(out.Attributes[string(types.QueueAttributeNameVisibilityTimeout)])
	if err != nil {
		return fmt.Errorf("VisibilityTimeout: %w", err)
	}
	// Below a few seconds nothing could be extended in time.
	q.visibility = max(time.Duration(seconds)*time.Second, 2*time.Second)
	q.redrives = out.Attributes[string(types.QueueAttributeNameRedrivePolicy)] != ""
	return nil
}

// receive is one of the receivers: it takes a slot, receives and leaves the batch
// to a goroutine that gives the slot back. No slot, no receive: that is how a
// slow Kafka leaves messages in the queue.
func (q *queue) receive(stop, work context.Context, to *sink, id int, batches *sync.WaitGroup) {
	backoff := firstBackoff
	for stop.Err() == nil && q.slots.take(stop) {
		messages, err := q.poll(stop)
		if err != nil {
			q.slots.give()
			q.failed(stop, to, id, err)
			pause(stop, backoff)
			backoff = min(2*backoff, lastBackoff)
			continue
		}
		backoff = firstBackoff
		b := q.newBatch(to, messages)
		q.progress.received(id, time.Now().UnixMilli(), b.sendTimes(), b.otherTimes())
		q.received.Store(true)
		batches.Go(func() {
			defer q.slots.give()
			b.work(work)
		})
	}
}

// poll waits for messages. A stop ends it only after a moment: what SQS has just
// handed out would be invisible to everybody for the visibility timeout.
func (q *queue) poll(stop context.Context) ([]types.Message, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(stop), pollTimeout)
	defer cancel()
	defer context.AfterFunc(stop, func() { pause(ctx, lastPoll); cancel() })()
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:            &q.config.URL,
		MaxNumberOfMessages: batchSize,
		WaitTimeSeconds:     int32(longPoll.Seconds()),
		VisibilityTimeout:   int32(q.visibility.Seconds()),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameApproximateReceiveCount,
		},
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

func (q *queue) failed(stop context.Context, to *sink, id int, err error) {
	if stop.Err() != nil {
		return // the poll was ended by the stop
	}
	q.progress.failed(id)
	to.metrics.failures.WithLabelValues(q.name(), opReceive).Inc()
	to.log.say(slog.LevelError, q.name(), "cannot receive", schemas.LogError, err)
}

// number reads a system attribute of a message, zero if it is not there.
func number(m types.Message, name types.MessageSystemAttributeName) int64 {
	n, err := strconv.ParseInt(m.Attributes[string(name)], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func body(m types.Message) []byte { return []byte(aws.ToString(m.Body)) }
