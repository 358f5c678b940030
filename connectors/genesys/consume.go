package genesys

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/schemas"
)

const (
	maxPoll        = 1000
	commitInterval = time.Second
	commitTimeout  = 5 * time.Second
	// drainWithin bounds the wait for what is under way when a partition is given
	// up; a process that stops has ten seconds.
	drainWithin = 7 * time.Second
)

func (v *Verifier) options() []kgo.Opt {
	return append(slices.Clone(v.deps.Kafka),
		kgo.ConsumerGroup(v.deps.Prefix+"verifier"),
		kgo.ConsumeTopics(schemas.GenesysRequests.Name(v.deps.Prefix)),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// A new group starts at the beginning: what is too old is answered so.
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(time.Second),
		kgo.SessionTimeout(10*time.Second),
		kgo.HeartbeatInterval(3*time.Second),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // murmur2
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, cl *kgo.Client, got map[string][]int32) {
			cl.ResumeFetchPartitions(got) // a pause outlives the window that was full
			v.setPortion(got, true)
			for _, partitions := range got {
				v.remember(partitions)
			}
			v.setAbsent(nil)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, cl *kgo.Client, lost map[string][]int32) {
			v.setPortion(lost, false)
			v.release(cl, v.windowsOf(lost))
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
			v.setPortion(lost, false)
			v.setAbsent(errors.New("the group has expelled this member"))
			v.forget(v.windowsOf(lost))
		}),
	)
}

func (v *Verifier) consume(ctx context.Context, cl *kgo.Client) error {
	var housekept time.Time
	for ctx.Err() == nil {
		wait, cancel := context.WithTimeout(ctx, commitInterval)
		fetches := cl.PollRecords(wait, maxPoll)
		cancel()
		if fetches.IsClientClosed() {
			return errors.New("verifier: the client was closed")
		}
		v.note(fetches)
		fetches.EachRecord(v.intake)
		if now := time.Now(); now.Sub(housekept) >= commitInterval {
			housekept = now
			v.commit(cl, v.allWindows())
		}
		v.throttle(cl)
		cl.AllowRebalance()
	}
	return nil
}

// intake hands a request over. What is none is passed over: only the processor
// writes here, and nobody waits for its answer.
func (v *Verifier) intake(r *kgo.Record) {
	request := new(schemas.GenesysRequest)
	if request.UnmarshalVT(r.Value) != nil || request.ConversationId == "" || request.GetCheck() == nil && request.GetAct() == nil {
		v.log.Error("a record is no request that this version knows", schemas.LogTopic, r.Topic, schemas.LogPartition, r.Partition, schemas.LogOffset, r.Offset)
		request = nil
	}
	if t := v.window(r).add(r, request, v.deps.Clock.Now()); t != nil {
		t.recall = v.recallOf(r.Partition)
		v.office.accept(t)
	}
}

// throttle reads no further where too much is not answered.
func (v *Verifier) throttle(cl *kgo.Client) {
	for _, w := range v.allWindows() {
		full, turn := w.fill()
		at := map[string][]int32{w.topic: {w.partition}}
		switch {
		case turn && full:
			v.log.Warn("too many requests are not answered; reading pauses", schemas.LogPartition, w.partition)
			cl.PauseFetchPartitions(at)
		case turn:
			cl.ResumeFetchPartitions(at)
		}
	}
}

// note remembers what could not be read.
func (v *Verifier) note(fetches kgo.Fetches) {
	var unread error
	fetches.EachError(func(topic string, p int32, err error) {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return // the end of our own wait
		}
		unread = fmt.Errorf("read %s/%d: %w", topic, p, err)
		v.log.Warn("cannot read", schemas.LogTopic, topic, schemas.LogPartition, p, schemas.LogError, err)
	})
	v.mu.Lock()
	defer v.mu.Unlock()
	v.unread = unread
}

func (v *Verifier) setAbsent(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.absent = err
}

func (v *Verifier) setPortion(partitions map[string][]int32, assigned bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.portion.set(partitions, assigned)
}

func (v *Verifier) recallOf(partition int32) *recall {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.recalls[partition]
}

func (v *Verifier) window(r *kgo.Record) *window {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.windows[r.Partition] == nil {
		v.windows[r.Partition] = newWindow(r.Topic, r.Partition)
	}
	return v.windows[r.Partition]
}

func (v *Verifier) allWindows() []*window {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Collect(maps.Values(v.windows))
}

func (v *Verifier) windowsOf(partitions map[string][]int32) (ws []*window) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, ids := range partitions {
		for _, id := range ids {
			if w := v.windows[id]; w != nil {
				ws = append(ws, w)
			}
		}
	}
	return ws
}

// release gives partitions up: what is under way ends, what is answered is
// committed, and the rest is left to whoever reads it next.
func (v *Verifier) release(cl *kgo.Client, ws []*window) {
	for _, w := range ws {
		w.close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	for _, w := range ws {
		w.drain(ctx)
	}
	v.commit(cl, ws)
	v.forget(ws)
}

func (v *Verifier) forget(ws []*window) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, w := range ws {
		w.close()
		delete(v.windows, w.partition)
	}
}

// commit commits what is answered. A failure is no harm: the next one covers it,
// and what stays uncommitted is answered again.
func (v *Verifier) commit(cl *kgo.Client, ws []*window) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
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
	var failed error
	cl.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed = commitError(resp, err)
	})
	if failed != nil {
		v.log.Warn("offsets not committed", schemas.LogError, failed)
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
