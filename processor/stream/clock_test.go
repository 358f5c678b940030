package stream

import (
	"fmt"
	"testing"
	"time"

	"unpark/clock"
	"unpark/schemas"
)

// The brokers' clock is a day ahead of the process's, as seen from either: no
// deadline is judged by such a time, and it is said loudly, since nobody is told
// of anything meanwhile. Once the clocks agree all is told.
func TestRunnersClocksApart(t *testing.T) {
	k := newKafka(t, 1)
	if k.fake != nil {
		t.Skip("the embedded broker keeps the producers' time")
	}
	dir := t.TempDir()
	var said logged
	cfg := k.config("a", dir)
	cfg.Clock, cfg.Logger = clock.Scaled(time.Now().Add(-24*time.Hour), 1), said.logger(t)
	p := k.start(cfg)
	due := time.Now().Add(-time.Hour).UnixMilli() // by the brokers' clock; by the process's in 23 hours
	k.produce(0, encode(eventInput("c", due)))
	waitFor(t, "ignored ticks", func() error {
		if n := value(t, p.runners.metrics.ignoredTicks); n < 1 {
			return fmt.Errorf("%v", n)
		}
		return nil
	})
	waitFor(t, "an alarm", func() error {
		if !said.has("ahead=24h0m") {
			return fmt.Errorf("nothing was said")
		}
		return nil
	})
	p.stop()
	if got := k.values(schemas.Escalations); len(got) > 0 {
		t.Errorf("told by a wrong clock: %q", got)
	}
	p = k.start(k.config("a", dir))
	waitFor(t, "the escalation", func() error {
		if n := len(k.values(schemas.Escalations)); n != 1 {
			return fmt.Errorf("%d of 1", n)
		}
		return nil
	})
	p.stop()
}

// A tick that is ignored is said, the first and then one a minute.
func TestRunnersIgnoredTick(t *testing.T) {
	k := newKafka(t, 1)
	var said logged
	cfg := k.config("a", t.TempDir())
	cfg.Logger = said.logger(t)
	p := k.start(cfg)
	p.waitReady()
	k.produce(0, encode(tickInput(time.Now().Add(-24*time.Hour).UnixMilli(), 10)))
	waitFor(t, "an alarm", func() error {
		if !said.has("ahead=24h0m") {
			return fmt.Errorf("nothing was said")
		}
		return nil
	})
	p.stop()
}
