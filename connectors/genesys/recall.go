package genesys

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/connectors/kafka"
	"unpark/schemas"
)

const (
	// recalled is how far back actions count, and maxAge how long before that they may
	// have been asked for.
	recalled = time.Hour
	maxAge   = time.Hour
)

// recall is what is read before a partition of genesys-requests leads to actions:
// which were taken within the last hour by whoever had it before. Checks do not
// wait for it, nor behind an action that does.
type recall struct {
	at   time.Time     // when the partition was taken
	done chan struct{} // closed when it is known
	// answered are the requests whose outcome is told.
	answered map[string]bool
}

// known says whether it is known what was done before.
func (r *recall) known() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// again says that whoever had the partition before may have worked on the request.
func (t *task) again() bool { return t.recall != nil && t.made().Before(t.recall.at) }

// over says that a request's outcome is told already.
func (t *task) over() bool {
	return t.recall != nil && t.recall.known() && t.recall.answered[t.request.Id]
}

// mayHaveActed says whether what is found may be what this request led to before, in
// a process that died before it could tell: the conversation is transferred already,
// or over though it was to be disconnected.
func (t *task) mayHaveActed(outcome, reason string) bool {
	if outcome == outcomeDone {
		return true
	}
	return t.again() && reason == refusedEnded && t.request.GetAct().GetDo() == doDisconnect
}

// remember begins to read what was done for partitions that have just come here.
func (v *Verifier) remember(partitions []int32) {
	r := &recall{at: v.deps.Clock.Now(), done: make(chan struct{})}
	v.mu.Lock()
	for _, id := range partitions {
		v.recalls[id] = r
	}
	v.mu.Unlock()
	v.work.Go(func() {
		<-v.started
		for v.ctx.Err() == nil {
			answered, err := v.readActions(v.ctx, partitions)
			if err == nil {
				r.answered = answered
				close(r.done)
				return
			}
			v.log.Warn("the actions of the last hour cannot be read; further ones wait", schemas.LogError, err)
			_ = sleep(v.ctx, v.deps.Clock, time.Second)
		}
	})
}

// readActions counts the actions of the last hour that requests of some partitions
// led to, and returns which were answered. Outcomes are on conversation-events, which is
// read only if an action was asked for at all.
func (v *Verifier) readActions(ctx context.Context, partitions []int32) (answered map[string]bool, err error) {
	since := v.deps.Clock.Now().Add(-recalled)
	asked := make(map[string]bool)
	err = kafka.ReadSince(ctx, v.deps.Kafka, schemas.GenesysRequests.Name(v.deps.Prefix), since.Add(-maxAge), partitions, func(r *kgo.Record) error {
		request := new(schemas.GenesysRequest)
		if request.UnmarshalVT(r.Value) == nil && request.GetAct() != nil && !request.GetAct().DryRun {
			asked[request.Id] = true
		}
		return nil
	})
	if err != nil || len(asked) == 0 {
		return nil, err
	}
	answered = make(map[string]bool)
	return answered, kafka.ReadSince(ctx, v.deps.Kafka, schemas.ConversationEvents.Name(v.deps.Prefix), since, nil, func(r *kgo.Record) error {
		in := new(schemas.InputRecord)
		if in.UnmarshalVT(r.Value) != nil {
			return nil
		}
		done := in.GetActionDone()
		if !asked[done.GetRequestId()] {
			return nil
		}
		answered[done.RequestId] = true
		if done.Outcome == outcomeDone {
			v.office.desk(done.OrgId).taken.note(done.RequestId, time.UnixMilli(done.AtMs))
		}
		return nil
	})
}
