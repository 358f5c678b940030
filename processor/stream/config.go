package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/processor/store"
)

// Config is what the runners of a process work with.
type Config struct {
	// Kafka says how to reach the brokers: seeds, TLS, SASL, logger, hooks. It is
	// used for several clients.
	Kafka []kgo.Opt
	// Prefix is that of the topics' names.
	Prefix string
	// Group is the consumer group; empty: the prefix's name and "-processor".
	Group string
	// Instance names the process among those of the group, the same one after a
	// restart; empty: the host name.
	Instance string
	// Runners is how many partitions are worked at the same time; 0: 1.
	Runners int
	// DataDir is where the state is kept, unless Store is set, which the caller
	// then closes after Run.
	DataDir string
	Store   *store.Store
	// CommitInterval is how long a transaction gathers records, in wall time, and
	// MaxRecords how many at most; 0: 100 ms and 10,000. Far behind the end of the
	// input a transaction may be four times as long and large.
	CommitInterval time.Duration
	MaxRecords     int
	// TickInterval is the least time between two ticks of a partition in which
	// something is due, IdleTickInterval that between ticks of an idle one, both
	// in the time of Clock; 0: 1 s and 10 s. MaxDue is how many due entries a tick
	// handles at most, fewer if the runner has many partitions; 0: 10,000.
	TickInterval, IdleTickInterval time.Duration
	MaxDue                         uint32
	// MaxLag is how many records a partition may lie behind and still count as
	// ready; 0: 10,000.
	MaxLag int64
	// Clock is the time of the ticks; the zero value: the wall clock.
	Clock clock.Clock
	// Logger may be nil, Registerer too.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	// Embedded allows an input topic that keeps its producers' times, as the
	// embedded broker's does and one on which time is simulated.
	Embedded bool
}

// WithDefaults returns the configuration with defaults in place of zero values.
func (c Config) WithDefaults() Config {
	if c.Group == "" {
		c.Group = strings.TrimRight(c.Prefix, ".-_") + "-processor"
	}
	if c.Instance == "" {
		c.Instance, _ = os.Hostname() // Validate tells if there is none
	}
	if c.Clock == (clock.Clock{}) {
		c.Clock = clock.Real()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	orDefault(&c.Runners, 1)
	orDefault(&c.CommitInterval, 100*time.Millisecond)
	orDefault(&c.MaxRecords, 10_000)
	orDefault(&c.TickInterval, time.Second)
	orDefault(&c.IdleTickInterval, 10*time.Second)
	orDefault(&c.MaxDue, 10_000)
	orDefault(&c.MaxLag, 10_000)
	return c
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Validate says all that is wrong with the configuration, defaults applied.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Instance != "", "processor.instance: the host has no name, so it must be set")
	check(!strings.ContainsAny(c.Instance, " \t\n/"), "processor.instance: %q holds a space or slash", c.Instance)
	check(c.DataDir != "" || c.Store != nil, "processor.data_dir: missing")
	check(c.Runners > 0 && c.Runners <= 256, "processor.runners: %d is not in 1 to 256", c.Runners)
	check(c.CommitInterval > 0 && c.CommitInterval <= transactionTimeout/2,
		"processor.commit_interval: %s is not above 0 and up to %s", c.CommitInterval, transactionTimeout/2)
	check(c.MaxRecords > 0, "processor.max_records: %d is not above 0", c.MaxRecords)
	check(c.TickInterval > 0 && c.IdleTickInterval >= c.TickInterval,
		"processor: tick intervals of %s and %s (idle); the first must be above 0 and not above the second", c.TickInterval, c.IdleTickInterval)
	return errors.Join(errs...)
}
