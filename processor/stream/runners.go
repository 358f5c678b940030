package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"unpark/processor/store"
	"unpark/schemas"
)

// Runners are the runners of one process, with what they share: the store, the
// leases of the partitions, and a client for everything that is not part of a
// transaction.
type Runners struct {
	cfg        Config
	newHandler func(partition int32) Handler
	metrics    *metrics
	leases     leases
	patience   time.Duration // how long recovery waits for transactions on the changelog
	started    atomic.Bool
	closing    sync.WaitGroup // partitions on their way to disk

	// Set by Run before the runners start.
	cluster *cluster
	client  *kgo.Client
	admin   *kadm.Client
	store   *store.Store

	mu      sync.Mutex
	runners []*runner
}

// New returns the runners of a process. newHandler makes the handler of a
// partition, each time the partition is taken; it is called from several
// goroutines.
func New(cfg Config, newHandler func(partition int32) Handler) (*Runners, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return &Runners{cfg: cfg, newHandler: newHandler, metrics: m, patience: pendingTimeout}, nil
}

// Run works the partitions that the group gives to this process until ctx is
// cancelled; then it finishes the running transactions and returns nil. Any
// other end has a reason: the brokers or topics cannot be worked on, the data
// dir is in use, the disk fails, or another process has taken the instance's
// name. Run may be called once.
func (s *Runners) Run(ctx context.Context) (err error) {
	if s.started.Swap(true) {
		return errors.New("stream: Run was called before")
	}
	defer func() {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = nil
		}
	}()
	if s.client, err = kgo.NewClient(plainOptions(s.cfg)...); err != nil {
		return fmt.Errorf("make the Kafka client: %w", err)
	}
	defer s.client.Close()
	s.admin = kadm.NewClient(s.client)
	if s.cluster, err = inspect(ctx, s.client, s.cfg); err != nil {
		return err
	}
	if s.store = s.cfg.Store; s.store == nil {
		if s.store, err = store.Open(s.cfg.DataDir, store.Options{Logger: s.cfg.Logger, FlushInterval: crashFlushInterval, Step: crashpoint}); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.store.Close()) }()
	}
	defer s.closing.Wait()
	collector := newStoreCollector(s.store)
	if err := s.cfg.Registerer.Register(collector); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	defer s.cfg.Registerer.Unregister(collector)
	return s.runAll(ctx)
}

func (s *Runners) runAll(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	s.mu.Lock()
	for i := range s.cfg.Runners {
		s.runners = append(s.runners, newRunner(s, i))
	}
	runners := s.runners
	s.mu.Unlock()
	for _, r := range runners {
		g.Go(func() error { return r.run(ctx) })
	}
	s.cfg.Logger.Info("runners started", schemas.LogInstance, s.cfg.Instance, schemas.LogCount, len(runners))
	return g.Wait()
}

// Ready returns nil once the runners have joined the group and every partition
// they own is restored and close to the end of its input; otherwise what is
// missing. It may be called at any time.
func (s *Runners) Ready() error {
	s.mu.Lock()
	runners := s.runners
	s.mu.Unlock()
	if len(runners) == 0 {
		return errors.New("the runners have not started")
	}
	var errs []error
	for _, r := range runners {
		errs = append(errs, r.ready())
	}
	return errors.Join(errs...)
}
