package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// ledger is the topic deliveries: it writes entries, and follows the partitions
// that are ours, for what stood there before us and for what others write.
type ledger struct {
	topic  string
	source source // the topic, as the brokers know it
	client *kgo.Client
	shelf  *shelf
	log    *slog.Logger
	send   func(b *book, id entryID, destination string) // hands an entry to its outbox

	partitions int // of the topic

	produce func(context.Context, *kgo.Record, func(*kgo.Record, error)) // the client's
	failed  chan error                                                   // holds the first error that nothing can be done about

	mu    sync.Mutex
	books map[int32]*book
}

// boundsTimeout is for how long the brokers are asked where the topic begins and ends.
const boundsTimeout = 5 * time.Second

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

// ledgerLinger has what is written at about the same time share a request to the
// brokers, which costs both sides more than the entries in it.
const ledgerLinger = 2 * time.Millisecond

// followPause is between two reads of partitions that are ours, for the same reason:
// what comes there is what we wrote, and now and then somebody's answer.
const followPause = 50 * time.Millisecond

// ledgerOptions: an entry is waited for, so that it does not linger for long; it is
// written to the partition of its escalation, whatever its key.
func ledgerOptions(opts []kgo.Opt) []kgo.Opt {
	return append(opts[:len(opts):len(opts)],
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(ledgerLinger), kgo.MaxBufferedRecords(50_000),
		kgo.ProducerBatchCompression(kgo.SnappyCompression()), kgo.FetchMaxBytes(4<<20), kgo.FetchMaxPartitionBytes(1<<20), kgo.FetchMaxWait(fetchMaxWait))
}

// check refuses a ledger whose partitions are not those of the escalations.
func (l *ledger) check(ctx context.Context, escalations string) error {
	meta, err := kadm.NewClient(l.client).Metadata(ctx, escalations, l.topic)
	if err != nil {
		return fmt.Errorf("notifier: %w", err)
	}
	l.source.Cluster = meta.Cluster
	if id := meta.Topics[l.topic].ID; id != (kadm.TopicID{}) {
		l.source.Topic = id.String()
	}
	n, m := len(meta.Topics[escalations].Partitions), len(meta.Topics[l.topic].Partitions)
	l.partitions = m
	if n == 0 || n != m {
		return fmt.Errorf("notifier: %s has %d partitions and %s %d; an entry lies in the partition of its escalation, so they must be as many", escalations, n, l.topic, m)
	}
	return nil
}

// fail ends the notifier: a ledger that cannot be kept would tell twice or never. The
// next one reads all of it.
func (l *ledger) fail(err error) {
	l.shelf.doubted.Store(true)
	select {
	case l.failed <- fmt.Errorf("notifier: ledger: %w", err):
	default:
	}
}

func (l *ledger) unreadable(partition int32) {
	l.log.Error("a record of the ledger cannot be read and is passed over", schemas.LogTopic, l.topic, schemas.LogPartition, partition)
}

// write writes a record, nil to delete, and calls then once the brokers have it, with
// its offset, or with the error of a record that is too large for them.
func (l *ledger) write(b *book, key string, value []byte, then func(int64, error), more ...kgo.RecordHeader) {
	r := &kgo.Record{
		Topic: l.topic, Partition: b.partition, Key: []byte(key), Value: value,
		Headers: append(more, kgo.RecordHeader{Key: schemas.HeaderWriter, Value: []byte(b.writer)}),
	}
	l.produce(context.Background(), r, func(at *kgo.Record, err error) {
		tooLarge := errors.Is(err, kerr.MessageTooLarge)
		switch {
		case errors.Is(err, kgo.ErrClientClosed), errors.Is(err, kgo.ErrAborting):
			return // stopping: who comes next finds it undone
		case err != nil && !tooLarge:
			l.fail(fmt.Errorf("write %s/%d: %w", l.topic, b.partition, err))
			return
		case err == nil && at.Offset < 0:
			// A repeated request may be answered so: when it is read cannot be told.
			l.fail(fmt.Errorf("write %s/%d: the brokers do not say at which offset", l.topic, b.partition))
			return
		case tooLarge:
			l.log.Error("an entry is too large for the ledger", schemas.LogTopic, l.topic, schemas.LogPartition, b.partition)
		}
		if then != nil {
			then(at.Offset, err)
		}
	})
}

// open takes over partitions: our owner record marks up to where the topic says
// what has been told.
func (l *ledger) open(books ...*book) {
	from := l.starts(books)
	for _, b := range books {
		l.mu.Lock()
		l.books[b.partition] = b
		l.mu.Unlock()
		l.write(b, schemas.DeliveryOwner+strconv.Itoa(int(b.partition)), owner{b.writer, b.group}.encode(), nil)
	}
	l.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{l.topic: from})
}

// starts returns from where partitions are to be read: from where the shelf has them,
// or from the start.
func (l *ledger) starts(books []*book) map[int32]kgo.Offset {
	ctx, cancel := context.WithTimeout(context.Background(), boundsTimeout)
	defer cancel()
	admin := kadm.NewClient(l.client)
	firsts, err1 := admin.ListStartOffsets(ctx, l.topic)
	ends, err2 := admin.ListEndOffsets(ctx, l.topic)
	unknown := errors.Join(err1, err2, firsts.Error(), ends.Error())
	from := map[int32]kgo.Offset{}
	for _, b := range books {
		first, _ := firsts.Lookup(l.topic, b.partition)
		end, _ := ends.Lookup(l.topic, b.partition)
		at, err := l.shelf.position(b.partition)
		why := at.unusable(l.source, first.Offset, end.Offset, time.Now())
		if unknown != nil {
			why = unknown.Error()
		}
		if why == "" && err == nil {
			b.page.at = at
			from[b.partition] = kgo.NewOffset().At(at.Next).WithEpoch(at.Epoch)
			continue
		}
		if at.Next > 0 {
			l.log.Warn("what is kept of a partition's ledger cannot be used; all of it is read", schemas.LogTopic, l.topic, schemas.LogPartition, b.partition, schemas.LogReason, why)
		}
		if err := errors.Join(err, l.shelf.dropPartition(b.partition)); err != nil {
			l.fail(err)
		}
		from[b.partition] = kgo.NewOffset().AtStart()
	}
	return from
}

// close lets go of a partition; what was read of it is kept, for it may come back.
func (l *ledger) close(b *book) {
	l.client.RemoveConsumePartitions(map[string][]int32{l.topic: {b.partition}})
	b.page.close()
	l.mu.Lock()
	if l.books[b.partition] == b {
		delete(l.books, b.partition)
	}
	l.mu.Unlock()
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

// flush takes to the disk what was read.
func (l *ledger) flush() {
	for _, b := range l.all() {
		if b.isFilled() {
			b.page.flush()
		}
	}
}

// follow reads the partitions that are ours until ctx ends.
func (l *ledger) follow(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := l.client.PollFetches(ctx)
		fetches.EachError(func(topic string, p int32, err error) {
			if lost, ok := errors.AsType[*kgo.ErrDataLoss](err); ok {
				l.fail(lost) // the shelf may have what the topic has no more
			}
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
		if l.filled() {
			sleep(ctx, followPause)
		}
	}
}

// filled says whether all partitions that are ours have been read.
func (l *ledger) filled() bool {
	return !slices.ContainsFunc(l.all(), func(b *book) bool { return !b.isFilled() })
}

func (l *ledger) take(b *book, r *kgo.Record) {
	if writtenBy(r, b.writer) {
		b.takeOwn(r)
	} else {
		b.take(r)
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
