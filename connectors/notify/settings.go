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
	// GiveUp is how long a failing destination is tried to be told of something
	// before that becomes a dead letter; default 24h.
	GiveUp schemas.Duration `json:"giveUp,omitempty" yaml:"give_up"`
	// AttemptTimeout bounds one attempt; default 10s.
	AttemptTimeout schemas.Duration `json:"attemptTimeout,omitempty" yaml:"attempt_timeout"`
	// MinBackoff and MaxBackoff bound the wait after a failure, which doubles
	// each time; default 1s and 1m.
	MinBackoff schemas.Duration `json:"minBackoff,omitempty" yaml:"min_backoff"`
	MaxBackoff schemas.Duration `json:"maxBackoff,omitempty" yaml:"max_backoff"`
	// Window is how many escalations of a partition may be on their way into the
	// ledger before it is read no further; default 10000.
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
	c.GiveUp = d(c.GiveUp, 24*time.Hour)
	c.AttemptTimeout = d(c.AttemptTimeout, 10*time.Second)
	c.MinBackoff = d(c.MinBackoff, time.Second)
	c.MaxBackoff = d(c.MaxBackoff, time.Minute)
	c.Window = cmp.Or(c.Window, 10_000)
	c.CommitInterval = d(c.CommitInterval, time.Second)
	c.Drain = d(c.Drain, 5*time.Second)
	return c
}

// Validate returns what is wrong with the configuration.
func (c Config) Validate() error {
	for _, d := range []schemas.Duration{c.GiveUp, c.AttemptTimeout, c.MinBackoff, c.MaxBackoff, c.CommitInterval, c.Drain} {
		if d < 0 {
			return errors.New("notifier: durations must not be negative")
		}
	}
	if c.Window < 0 {
		return errors.New("notifier: window must not be negative")
	}
	return nil
}
