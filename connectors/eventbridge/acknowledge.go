package eventbridge

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"unpark/schemas"
)

const (
	// deleteAttempts is how often messages are tried to be deleted; then the
	// queue delivers them again, which costs a duplicate and loses nothing.
	deleteAttempts = 5
	deletePause    = 200 * time.Millisecond
	// lastCall bounds the one attempt that is made when the bridge gives up.
	lastCall = 2 * time.Second
)

// delete deletes what Kafka has acknowledged, up to ten messages in one call, and
// tries again those of them that SQS could not delete.
func (b *batch) delete(ctx context.Context) {
	pending := b.where(func(m *message) bool { return m.done && !m.gone })
	for attempt := 1; len(pending) > 0 && attempt <= deleteAttempts; attempt++ {
		pending = b.deleteOnce(ctx, pending)
		if ctx.Err() != nil {
			return
		}
		if len(pending) > 0 {
			pause(ctx, time.Duration(attempt)*deletePause)
		}
	}
}

// where returns the indexes of messages.
func (b *batch) where(which func(*message) bool) []int {
	var found []int
	for i, m := range b.messages {
		if which(m) {
			found = append(found, i)
		}
	}
	return found
}

// deleteOnce returns what is worth another try.
func (b *batch) deleteOnce(ctx context.Context, indexes []int) []int {
	ctx, cancel := oneCall(ctx)
	defer cancel()
	var entries []types.DeleteMessageBatchRequestEntry
	for _, i := range indexes {
		entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: b.messages[i].ReceiptHandle})
	}
	out, err := b.queue.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &b.queue.config.URL, Entries: entries})
	if err != nil {
		b.failed(opDelete, err)
		return indexes
	}
	failed := b.failures(opDelete, out.Failed)
	var again []int
	for _, i := range indexes {
		entry, bad := failed[i]
		switch {
		case !bad:
			b.messages[i].gone = true
			b.to.metrics.deleted.WithLabelValues(b.queue.name()).Inc()
		case entry.SenderFault: // the receipt is too old: somebody else has received it
			b.messages[i].gone = true
		default:
			again = append(again, i)
		}
	}
	return again
}

// oneCall bounds a call of SQS, also if ctx has ended.
func oneCall(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() != nil {
		return context.WithTimeout(context.WithoutCancel(ctx), lastCall)
	}
	return context.WithTimeout(ctx, callTimeout)
}

// extend keeps the messages that still wait for Kafka invisible to others.
func (b *batch) extend(ctx context.Context) {
	if ctx.Err() == nil {
		b.hide(ctx, b.queue.visibility, func(m *message) bool { return !m.gone })
	}
}

// giveBack leaves what Kafka has not acknowledged to whoever reads the queue next, who
// would otherwise find it empty and say that it has been read.
func (b *batch) giveBack(ctx context.Context) {
	b.hide(ctx, 0, func(m *message) bool { return !m.gone && !m.done })
}

func (b *batch) hide(ctx context.Context, d time.Duration, which func(*message) bool) {
	waiting := b.where(which)
	if len(waiting) == 0 {
		return
	}
	ctx, cancel := oneCall(ctx)
	defer cancel()
	var entries []types.ChangeMessageVisibilityBatchRequestEntry
	for _, i := range waiting {
		entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: b.messages[i].ReceiptHandle,
			VisibilityTimeout: int32(d.Seconds()),
		})
	}
	out, err := b.queue.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &b.queue.config.URL, Entries: entries})
	if err != nil {
		b.failed(opExtend, err)
		return
	}
	b.failures(opExtend, out.Failed)
}

// failures maps what failed by message and counts it.
func (b *batch) failures(operation string, failed []types.BatchResultErrorEntry) map[int]types.BatchResultErrorEntry {
	byIndex := make(map[int]types.BatchResultErrorEntry, len(failed))
	for _, f := range failed {
		if i, err := strconv.Atoi(aws.ToString(f.Id)); err == nil {
			byIndex[i] = f
		}
		b.failed(operation, fmt.Errorf("SQS says %s", aws.ToString(f.Code)))
	}
	return byIndex
}

func (b *batch) failed(operation string, err error) {
	b.to.metrics.failures.WithLabelValues(b.queue.name(), operation).Inc()
	b.to.log.say(slog.LevelWarn, b.queue.name(), "cannot "+operation+" messages; they may be delivered again", schemas.LogError, err)
}
