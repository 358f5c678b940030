package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/schemas"
)

const (
	maxPoll       = 1000 // records; how far a window may be overshot
	commitTimeout = 5 * time.Second
	// A partition that is taken over, or read on, waits for the fetch that is under
	// way.
	fetchMaxWait = 250 * time.Millisecond
	// pollPause has escalations that come one after the other come together.
	pollPause = 5 * time.Millisecond
	// askPause is between two questions to a group that does not answer.
	askPause = 200 * time.Millisecond
)

func (d *Dispatcher) options() []kgo.Opt {
	opts := slices.Clone(d.deps.Kafka)
	if name := d.name(); name != "" {
		opts = append(opts, kgo.InstanceID(name))
	}
	return append(opts,
		kgo.ConsumerGroup(d.config.Group),
		kgo.ConsumeTopics(schemas.Escalations.Name(d.deps.Prefix)),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// A new group starts at the beginning: late alerts are better than silence.
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(fetchMaxWait),
		// What a killed notifier held is taken over after this, not after the client's
		// default of 45 s.
		kgo.SessionTimeout(10*time.Second),
		kgo.HeartbeatInterval(3*time.Second),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, cl *kgo.Client, won map[string][]int32) { d.take(cl, won) }),
		kgo.OnPartitionsRevoked(func(ctx context.Context, cl *kgo.Client, lost map[string][]int32) {
			d.release(ctx, cl, d.windowsOf(lost))
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
			d.setAbsent(errors.New("the group has expelled this member"))
			d.forget(d.windowsOf(lost))
		}),
	)
}

// name is ours in the group; empty: it gives us one.
func (d *Dispatcher) name() string {
	if d.deps.Instance == "" {
		return ""
	}
	return d.config.Group + "-" + d.deps.Instance
}

// Run consumes until ctx ends. It is called once.
func (d *Dispatcher) Run(ctx context.Context) error {
	shelf, err := openShelf(d.deps.Dir, d.log)
	if err != nil {
		return err
	}
	l, err := newLedger(d.deps.Kafka, d.deps.Prefix, shelf, d.log, d.send)
	if err != nil {
		return errors.Join(fmt.Errorf("notifier: %w", err), shelf.close())
	}
	d.ledger = l
	err = d.run(ctx, l)
	l.client.Close()
	return errors.Join(err, shelf.close())
}

func (d *Dispatcher) run(ctx context.Context, l *ledger) error {
	if err := l.check(ctx, schemas.Escalations.Name(d.deps.Prefix)); err != nil {
		return err
	}
	cl, err := kgo.NewClient(d.options()...)
	if err != nil {
		return fmt.Errorf("notifier: %w", err)
	}
	// Attempts outlive ctx by Drain.
	stop, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	d.workers.stop = stop
	d.workers.wait.Go(func() { d.letters.run(stop, cl.ProduceSync) })
	d.workers.wait.Go(func() { l.follow(stop) })

	err = d.consume(ctx, cl)
	d.setAbsent(errors.New("stopping"))
	d.release(context.WithoutCancel(ctx), cl, d.allWindows())
	cancel()
	d.workers.wait.Wait()
	cl.CloseAllowingRebalance()
	return err
}

// take opens the ledger of partitions that are ours now. They are read once it is
// known what has been told.
func (d *Dispatcher) take(cl *kgo.Client, won map[string][]int32) {
	cl.PauseFetchPartitions(won)
	var books []*book
	for topic, ids := range won {
		for _, id := range ids {
			w := newWindow(topic, id)
			d.mu.Lock()
			d.windows[partition{topic, id}] = w
			d.paused[partition{topic, id}] = true
			d.mu.Unlock()
			b := newBook(d.ledger, w)
			b.onFilled = func() { d.resume(cl) }
			b.past.opened = d.deps.Clock.Now()
			b.group, b.inGroup = d.config.Group, func() bool { return d.inGroup(cl, w) }
			books = append(books, b)
		}
	}
	d.setAbsent(nil) // ready once these are
	d.ledger.open(books...)
}

// inGroup asks the group whether we are in it, until it says so or w is ours no more: who
// cannot ask loses the partition to the client's own time-out, if at all. Who is in the
// group and not of its newest generation is joining that: what others get of it he has
// given up before.
func (d *Dispatcher) inGroup(cl *kgo.Client, w *window) bool {
	for !w.isClosed() && d.workers.stop.Err() == nil {
		switch err := d.heartbeat(cl); {
		case err == nil, errors.Is(err, kerr.RebalanceInProgress), errors.Is(err, kerr.IllegalGeneration):
			return true
		case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.FencedInstanceID), errors.Is(err, kerr.GroupIDNotFound):
			return false
		}
		sleep(d.workers.stop, askPause)
	}
	return false
}

// heartbeat asks the group once.
func (d *Dispatcher) heartbeat(cl *kgo.Client) error {
	ctx, cancel := context.WithTimeout(d.workers.stop, boundsTimeout)
	defer cancel()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group = d.config.Group
	req.MemberID, req.Generation = cl.GroupMetadata()
	if name := d.name(); name != "" {
		req.InstanceID = &name
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}

func (d *Dispatcher) consume(ctx context.Context, cl *kgo.Client) error {
	var housekept time.Time
	for ctx.Err() == nil {
		select {
		case err := <-d.ledger.failed:
			return err
		default:
		}
		wait, cancel := context.WithTimeout(ctx, time.Duration(d.config.CommitInterval))
		fetches := cl.PollRecords(wait, maxPoll)
		cancel()
		if fetches.IsClientClosed() {
			return errors.New("notifier: the client was closed")
		}
		if err := d.note(fetches); err != nil {
			return err
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) { d.intake(cl, p) })
		if now := time.Now(); now.Sub(housekept) >= time.Duration(d.config.CommitInterval) {
			housekept = now
			d.commit(ctx, cl, d.allWindows())
			d.wake()
			d.retire()
			d.ledger.flush()
		}
		d.resume(cl)
		cl.AllowRebalance()
		sleep(ctx, pollPause)
	}
	return nil
}

// wake looks at reminders that are due and entries that have been kept long
// enough.
func (d *Dispatcher) wake() {
	now := d.deps.Clock.Now()
	for _, b := range d.ledger.all() {
		b.wake(now, func(e *entry) habit { return d.rules.habit(e, now) })
		for _, w := range b.past.release(b.window, time.Now(), presentAfter*time.Duration(d.config.CommitInterval)) {
			d.send(b, w.id, w.destination)
		}
	}
}

// note remembers what could not be read; it fails if another process has our name.
func (d *Dispatcher) note(fetches kgo.Fetches) error {
	var unread, taken error
	fetches.EachError(func(topic string, p int32, err error) {
		if errors.Is(err, kerr.FencedInstanceID) {
			taken = fmt.Errorf("notifier: another process has the instance name %s: %w", d.deps.Instance, err)
		}
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return // the end of our own wait
		}
		unread = fmt.Errorf("read %s/%d: %w", topic, p, err)
		d.log.Warn("cannot read", schemas.LogTopic, topic, schemas.LogPartition, p, schemas.LogError, err)
	})
	d.setUnread(unread)
	return taken
}

func (d *Dispatcher) intake(cl *kgo.Client, p kgo.FetchTopicPartition) {
	if len(p.Records) == 0 {
		return
	}
	id, now := partition{p.Topic, p.Partition}, time.Now()
	w := d.window(id)
	if w == nil {
		return // none of ours any more
	}
	if b := d.ledger.book(p.Partition); b != nil && b.window == w {
		last := p.Records[len(p.Records)-1]
		b.past.note(last.Offset+1, last.Timestamp, now)
	}
	for _, r := range p.Records {
		d.accept(w.add(r, now))
	}
	if w.unsettled() >= d.config.Window {
		d.log.Warn("too many escalations are on their way into the ledger; reading pauses",
			schemas.LogTopic, id.topic, schemas.LogPartition, id.id, schemas.LogCount, w.unsettled())
		d.mu.Lock()
		d.paused[id] = true
		d.mu.Unlock()
		cl.PauseFetchPartitions(map[string][]int32{id.topic: {id.id}})
	}
}

func (d *Dispatcher) window(id partition) *window {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.windows[id]
}

// resume reads on where the ledger is open and a window half empty.
func (d *Dispatcher) resume(cl *kgo.Client) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.paused {
		b := d.ledger.book(id.id)
		if w := d.windows[id]; w == nil || b != nil && b.isFilled() && w.unsettled() <= d.config.Window/2 {
			delete(d.paused, id)
			cl.ResumeFetchPartitions(map[string][]int32{id.topic: {id.id}})
		}
	}
}

func (d *Dispatcher) allWindows() []*window {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.windows))
}

func (d *Dispatcher) windowsOf(partitions map[string][]int32) (ws []*window) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for topic, ids := range partitions {
		for _, id := range ids {
			if w := d.windows[partition{topic, id}]; w != nil {
				ws = append(ws, w)
			}
		}
	}
	return ws
}

// release gives partitions up: attempts under way may end, what is settled is
// committed, and everything else is left to whoever reads it next.
func (d *Dispatcher) release(ctx context.Context, cl *kgo.Client, ws []*window) {
	for _, w := range ws {
		w.close()
	}
	drain, cancel := context.WithTimeout(ctx, time.Duration(d.config.Drain))
	defer cancel()
	for _, w := range ws {
		w.drain(drain)
	}
	if err := d.ledger.client.Flush(drain); err != nil {
		d.log.Warn("the ledger is not written to its end", slog.Any(schemas.LogError, err))
	}
	d.commit(ctx, cl, ws)
	d.forget(ws)
}

func (d *Dispatcher) forget(ws []*window) {
	for _, w := range ws {
		w.close()
		d.metrics.dropped.Add(float64(w.unsettled()))
		if b := d.ledger.book(w.partition); b != nil && b.window == w {
			d.ledger.close(b)
		}
		d.mu.Lock()
		delete(d.windows, partition{w.topic, w.partition})
		d.mu.Unlock()
	}
}

// commit commits what is settled. A failure is no harm: the next one covers it,
// and what it leaves uncommitted is delivered again.
func (d *Dispatcher) commit(ctx context.Context, cl *kgo.Client, ws []*window) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	offsets := map[string]map[int32]kgo.EpochOffset{}
	for _, w := range ws {
		if o, ok := w.committable(); ok {
			if offsets[w.topic] == nil {
				offsets[w.topic] = map[int32]kgo.EpochOffset{}
			}
			offsets[w.topic][w.partition] = o
		}
	}
	if len(offsets) == 0 {
		return
	}
	var failure error
	cl.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failure = commitError(resp, err)
	})
	if failure != nil {
		d.log.Warn("offsets not committed", slog.Any(schemas.LogError, failure))
		return
	}
	for _, w := range ws {
		w.committed(offsets[w.topic][w.partition])
	}
}

func commitError(resp *kmsg.OffsetCommitResponse, err error) error {
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("%s/%d: %w", t.Topic, p.Partition, err)
			}
		}
	}
	return nil
}
