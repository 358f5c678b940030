package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// ledger is the topic deliveries: it writes entries, and follows the partitions
// that are ours, for what stood there before us and for what others write.
type ledger struct {
	topic  string
	client *kgo.Client
	shelf  *shelf
	log    *slog.Logger
	send   func(b *book, id entryID, destination string) // hands an entry to its outbox

	produce func(context.Context, *kgo.Record, func(*kgo.Record, error)) // the client's
	failed  chan error                                                   // holds the first error that nothing can be done about

	mu    sync.Mutex
	books map[int32]*book
}

func newLedger(opts []kgo.Opt, prefix string, shelf *shelf, log *slog.Logger, send func(*book, entryID, string)) (*ledger, error) {
	l := &ledger{
		topic: schemas.Deliveries.Name(prefix), shelf: shelf, log: log, send: send,
		failed: make(chan error, 1), books: map[int32]*book{},
	}
	client, err := kgo.NewClient(ledgerOptions(opts)...)
	if err != nil {
		return nil, err
	}
	l.client, l.produce = client, client.Produce
	return l, nil
}

// ledgerOptions: an entry is waited for, so that nothing lingers; it is written to
// the partition of its escalation, whatever its key.
func ledgerOptions(opts []kgo.Opt) []kgo.Opt {
	return append(opts[:len(opts):len(opts)],
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.MaxBufferedRecords(50_000),
		kgo.ProducerBatchCompression(kgo.SnappyCompression()), kgo.FetchMaxBytes(4<<20), kgo.FetchMaxPartitionBytes(1<<20), kgo.FetchMaxWait(fetchMaxWait))
}

// check refuses a ledger whose partitions are not those of the escalations.
func (l *ledger) check(ctx context.Context, escalations string) error {
	topics, err := kadm.NewClient(l.client).ListTopics(ctx, escalations, l.topic)
	if err != nil {
		return fmt.Errorf("notifier: %w", err)
	}
	n, m := len(topics[escalations].Partitions), len(topics[l.topic].Partitions)
	if n == 0 || n != m {
		return fmt.Errorf("notifier: %s has %d partitions and %s %d; an entry lies in the partition of its escalation, so they must be as many", escalations, n, l.topic, m)
	}
	return nil
}

// fail ends the notifier: a ledger that cannot be kept would tell twice or never.
func (l *ledger) fail(err error) {
	select {
	case l.failed <- fmt.Errorf("notifier: ledger: %w", err):
	default:
	}
}

func (l *ledger) unreadable(partition int32) {
	l.log.Error("a record of the ledger cannot be read and is passed over", schemas.LogTopic, l.topic, schemas.LogPartition, partition)
}

// write writes a record, nil to delete, and calls then once the brokers have it,
// or with the error of a record that is too large for them.
func (l *ledger) write(b *book, key string, value []byte, then func(error), more ...kgo.RecordHeader) {
	r := &kgo.Record{
		Topic: l.topic, Partition: b.partition, Key: []byte(key), Value: value,
		Headers: append(more, kgo.RecordHeader{Key: schemas.HeaderWriter, Value: []byte(b.writer)}),
	}
	l.produce(context.Background(), r, func(_ *kgo.Record, err error) {
		tooLarge := errors.Is(err, kerr.MessageTooLarge)
		switch {
		case errors.Is(err, kgo.ErrClientClosed), errors.Is(err, kgo.ErrAborting):
			return // stopping: who comes next finds it undone
		case err != nil && !tooLarge:
			l.fail(fmt.Errorf("write %s/%d: %w", l.topic, b.partition, err))
			return
		case tooLarge:
			l.log.Error("an entry is too large for the ledger", schemas.LogTopic, l.topic, schemas.LogPartition, b.partition)
		}
		if then != nil {
			then(err)
		}
	})
}

// open takes over partitions: our owner record marks up to where the topic says
// what has been told.
func (l *ledger) open(books ...*book) {
	from := map[int32]kgo.Offset{}
	for _, b := range books {
		l.mu.Lock()
		l.books[b.partition] = b
		l.mu.Unlock()
		value, _ := json.Marshal(map[string]string{"owner": b.writer})
		l.write(b, schemas.DeliveryOwner+strconv.Itoa(int(b.partition)), value, nil)
		from[b.partition] = kgo.NewOffset().AtStart()
	}
	l.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{l.topic: from})
}

// close lets go of a partition.
func (l *ledger) close(b *book) {
	l.client.RemoveConsumePartitions(map[string][]int32{l.topic: {b.partition}})
	l.mu.Lock()
	if l.books[b.partition] == b {
		delete(l.books, b.partition)
	}
	l.mu.Unlock()
	if err := l.shelf.dropPartition(b.partition); err != nil {
		l.fail(err)
	}
}

func (l *ledger) book(partition int32) *book {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.books[partition]
}

func (l *ledger) all() (bs []*book) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.books {
		bs = append(bs, b)
	}
	return bs
}

// lost: somebody else has written an owner record after ours.
func (l *ledger) lost(b *book) {
	l.log.Warn("another notifier has taken a partition over; nothing more is told of it here", schemas.LogTopic, l.topic, schemas.LogPartition, b.partition)
	b.close()
}

// follow reads the partitions that are ours until ctx ends.
func (l *ledger) follow(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := l.client.PollFetches(ctx)
		fetches.EachError(func(topic string, p int32, err error) {
			if ctx.Err() == nil {
				l.log.Warn("cannot read", schemas.LogTopic, topic, schemas.LogPartition, p, schemas.LogError, err)
			}
		})
		var wait sync.WaitGroup
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if b := l.book(p.Partition); b != nil {
				wait.Go(func() { p.EachRecord(func(r *kgo.Record) { l.take(b, r) }) })
			}
		})
		wait.Wait()
	}
}

func (l *ledger) take(b *book, r *kgo.Record) {
	switch own := writtenBy(r, b.writer); {
	case !own:
		b.take(r)
	case strings.HasPrefix(string(r.Key), schemas.DeliveryOwner):
		b.fill()
	}
}

func writtenBy(r *kgo.Record, writer string) bool {
	value, ok := headerOf(r, schemas.HeaderWriter)
	return ok && string(value) == writer
}

func headerOf(r *kgo.Record, key string) ([]byte, bool) {
	for _, h := range r.Headers {
		if h.Key == key {
			return h.Value, true
		}
	}
	return nil, false
}
