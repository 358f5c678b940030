package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/schemas"
)

const (
	maxPollWait    = time.Second
	minPollWait    = time.Millisecond
	endTimeout     = transactionTimeout // what the brokers have not committed by then they abort
	stopTimeout    = 4 * time.Second    // what a stop leaves to the end of a transaction
	closeTimeout   = 2 * time.Second    // and what any close leaves to a join under way
	maxRebuildWait = 10 * time.Second
)

// errRebuild wraps errors after which the session is in doubt: it is thrown away
// and everything it held goes through recovery.
var errRebuild = errors.New("session in doubt")

// errNotCommitted is the doubt that every rebalance within a transaction brings:
// nothing is wrong.
var errNotCommitted = fmt.Errorf("%w: the transaction was not committed, mostly since the group changed", errRebuild)

// runner is one goroutine with one transactional session. It owns its
// partitions' tasks and works them in turn, without locks.
type runner struct {
	*Runners
	name string // instance id in the group, and transactional id
	log  *slog.Logger
	wake waker

	session    *kgo.GroupTransactSession
	kill       context.CancelFunc // ends the session's client at once
	partitions map[int32]*partition
	progressed bool // the session has committed
	tried      bool // a partition that waited is tried again, and nothing has committed since
	memberID   string
	generation int32

	mu     sync.Mutex
	fresh  map[int32]int64 // assigned and not yet taken up, with the group's offset (-1: none)
	share  []int32         // what the group has given to the runner; nil: it is not in the group
	status map[int32]status
	// revocation says that partitions were taken away, and that the session has not
	// forgotten it.
	revocation bool
}

func newRunner(s *Runners, i int) *runner {
	name := fmt.Sprintf("%s-%s-%d", s.cfg.Group, s.cfg.Instance, i)
	return &runner{
		Runners: s,
		name:    name,
		log:     s.cfg.Logger.With(schemas.LogRunner, name),
	}
}

// run works session after session until ctx is cancelled or an error says that
// another one would not help.
func (r *runner) run(ctx context.Context) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 50*time.Millisecond, maxRebuildWait
	for ctx.Err() == nil {
		err := r.work(ctx)
		if ctx.Err() != nil && (err == nil || errors.Is(err, errRebuild)) {
			return nil
		}
		if !errors.Is(err, errRebuild) {
			return err
		}
		if r.progressed {
			wait.Reset()
			r.progressed = false
		}
		level := slog.LevelWarn
		if errors.Is(err, errNotCommitted) {
			level = slog.LevelInfo
		}
		r.log.Log(ctx, level, "session thrown away, recovering", schemas.LogError, err)
		pause(ctx, wait.NextBackOff())
	}
	return nil
}

// work opens a session and runs the loop in it. It leaves nothing behind.
func (r *runner) work(ctx context.Context) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	defer r.close()
	for ctx.Err() == nil {
		if err := r.turn(ctx); err != nil {
			if errors.Is(err, errRebuild) {
				r.metrics.rebuilds.Inc()
			}
			return err
		}
	}
	return nil
}

func (r *runner) open(ctx context.Context) error {
	if err := r.checkName(ctx); err != nil {
		return err
	}
	r.partitions, r.tried = make(map[int32]*partition), false
	r.mu.Lock() // the session's callbacks wait until it is set
	r.fresh, r.share, r.status, r.revocation = make(map[int32]int64), nil, make(map[int32]status), false
	alive, kill := context.WithCancel(context.WithoutCancel(ctx))
	s, err := kgo.NewGroupTransactSession(append(r.sessionOptions(), kgo.WithContext(alive))...)
	r.session, r.kill = s, kill
	r.mu.Unlock()
	if err != nil {
		kill()
		return fmt.Errorf("open the session: %w", err)
	}
	// Getting the producer id ends what a predecessor of this name left open;
	// without it, the stable offsets would wait for the transaction to time out.
	ctx, cancel := context.WithTimeout(ctx, transactionTimeout)
	defer cancel()
	if _, _, err := s.Client().ProducerID(ctx); err != nil {
		r.leave()
		return fmt.Errorf("get the producer id: %w: %w", errRebuild, err)
	}
	return nil
}

func (r *runner) close() {
	for id := range r.partitions {
		r.drop(id)
	}
	r.leave()
	r.publish()
}

// leave closes the session. The client waits for a join under way, and the group
// answers it only when every member has joined or a dead one has been given up;
// whoever closes has no use for the answer, so it is not waited for. To the group
// that is a member that was killed.
//
// What is left of the session is its place in the group, by which the next one
// can tell whether another process has taken the name. A join that may have been
// answered unheard leaves none: it was this runner that took the name.
func (r *runner) leave() {
	killed := time.AfterFunc(closeTimeout, r.kill)
	r.session.CloseAllowingRebalance()
	r.memberID, r.generation = "", 0
	if killed.Stop() {
		r.memberID, r.generation = r.session.Client().GroupMetadata()
	}
	r.kill()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.share = nil
}

// turn is one turn of the loop: poll, compare ownership, apply and commit, tick.
func (r *runner) turn(ctx context.Context) error {
	fetches := r.poll(ctx, r.pollWait(), r.cfg.MaxRecords)
	// From here on the group cannot take partitions away.
	defer r.session.AllowRebalance()
	if err := r.checkFetches(fetches); err != nil {
		return err
	}
	if len(fetches) == 0 {
		return nil // a poll that a rebalance cut short does not hold the next one off
	}
	if err := r.reconcile(ctx); err != nil {
		return err
	}
	r.resume()
	if !fetches.Empty() {
		if err := r.transact(ctx, fetches); err != nil {
			return err
		}
	}
	r.tickAll()
	r.publish()
	return nil
}

// poll returns what has been fetched, after at most wait, or earlier if there is
// something else to do.
func (r *runner) poll(ctx context.Context, wait time.Duration, limit int) kgo.Fetches {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	r.wake.arm(cancel)
	defer r.wake.disarm()
	return r.session.PollRecords(ctx, limit)
}

// checkFetches looks for the errors that a poll brings. Those of the client that
// mend themselves are logged.
func (r *runner) checkFetches(fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		var group *kgo.ErrGroupSession
		switch {
		case errors.Is(e.Err, context.Canceled), errors.Is(e.Err, context.DeadlineExceeded):
		case isFenced(e.Err):
			return r.fenced(e.Err)
		case errors.As(e.Err, &group):
			r.log.Warn("lost the group, joining again", schemas.LogError, e.Err)
		default:
			return fmt.Errorf("fetch %s/%d: %w: %w", e.Topic, e.Partition, errRebuild, e.Err)
		}
	}
	return nil
}

// checkName asks whether another process has joined under the runner's name
// since its last session. Opening the next one would take the name back, and the
// two would do so in turn.
func (r *runner) checkName(ctx context.Context) error {
	if r.memberID == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, transactionTimeout)
	defer cancel()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = r.cfg.Group, r.memberID, r.generation, &r.name
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return fmt.Errorf("look for the runner's name in the group: %w: %w", errRebuild, err)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); isFenced(err) {
		return r.fenced(err)
	}
	return nil
}

func isFenced(err error) bool { return errors.Is(err, kerr.FencedInstanceID) }

func (r *runner) fenced(err error) error {
	return fmt.Errorf("another process has taken the name %s: give each process its own processor.instance: %w", r.name, err)
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
