package notify

import (
	"cmp"
	"errors"
	"time"

	"unpark/schemas"
)

// Config is how the notifier works; zero values mean the defaults.
type Config struct {
	// Group is the consumer group; default the topics' prefix and "notifier".
	Group string `json:"group,omitempty" yaml:"group"`
	// GiveUp is how long a delivery to a failing destination is tried before it
	// becomes a dead letter; default 10m.
	GiveUp schemas.Duration `json:"giveUp,omitempty" yaml:"give_up"`
	// MaxAttempts is how often it is tried within that; default 20.
	MaxAttempts int `json:"maxAttempts,omitempty" yaml:"max_attempts"`
	// AttemptTimeout bounds one attempt; default 10s.
	AttemptTimeout schemas.Duration `json:"attemptTimeout,omitempty" yaml:"attempt_timeout"`
	// MinBackoff and MaxBackoff bound the wait after a failure, which doubles
	// each time; default 1s and 1m.
	MinBackoff schemas.Duration `json:"minBackoff,omitempty" yaml:"min_backoff"`
	MaxBackoff schemas.Duration `json:"maxBackoff,omitempty" yaml:"max_backoff"`
	// QueueBound is how many deliveries a stalled destination may have waiting;
	// default 1000. Stalled: failing for longer than Patience (default 30s), or
	// slower than GiveUp.
	QueueBound int              `json:"queueBound,omitempty" yaml:"queue_bound"`
	Patience   schemas.Duration `json:"patience,omitempty" yaml:"patience"`
	// Window is how many unsettled escalations a partition may have before it is
	// read no further; default 10000.
	Window int `json:"window,omitempty" yaml:"window"`
	// CommitInterval is how often offsets are committed; default 1s.
	CommitInterval schemas.Duration `json:"commitInterval,omitempty" yaml:"commit_interval"`
	// Drain is how long attempts under way may take when the notifier stops or
	// loses a partition; default 5s.
	Drain schemas.Duration `json:"drain,omitempty" yaml:"drain"`
}

func (c Config) withDefaults(prefix string) Config {
	d := func(v schemas.Duration, def time.Duration) schemas.Duration {
		return cmp.Or(v, schemas.Duration(def))
	}
	c.Group = cmp.Or(c.Group, prefix+"notifier")
	c.GiveUp = d(c.GiveUp, 10*time.Minute)
	c.MaxAttempts = cmp.Or(c.MaxAttempts, 20)
	c.AttemptTimeout = d(c.AttemptTimeout, 10*time.Second)
	c.MinBackoff = d(c.MinBackoff, time.Second)
	c.MaxBackoff = d(c.MaxBackoff, time.Minute)
	c.QueueBound = cmp.Or(c.QueueBound, 1000)
	c.Patience = d(c.Patience, 30*time.Second)
	c.Window = cmp.Or(c.Window, 10_000)
	c.CommitInterval = d(c.CommitInterval, time.Second)
	c.Drain = d(c.Drain, 5*time.Second)
	return c
}

// Validate returns what is wrong with the configuration.
func (c Config) Validate() error {
	for _, d := range []schemas.Duration{c.GiveUp, c.AttemptTimeout, c.MinBackoff, c.MaxBackoff, c.Patience, c.CommitInterval, c.Drain} {
		if d < 0 {
			return errors.New("notifier: durations must not be negative")
		}
	}
	if c.MaxAttempts < 0 || c.QueueBound < 0 || c.Window < 0 {
		return errors.New("notifier: max_attempts, queue_bound and window must not be negative")
	}
	return nil
}
