package bench

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sample is what has been done and used up to an instant; CPU in seconds.
type sample struct {
	at                    time.Time
	done                  int64
	self, broker, machine float64
}

func (c *contender) sample(done int64) sample {
	t := c.a.t
	t.Helper()
	return sample{
		at: time.Now(), done: done,
		self: cpu(t, c.cmd.Process.Pid), broker: cpu(t, c.a.broker.Pid()), machine: busy(t),
	}
}

// busy is the seconds of processor time that the machine has not idled, what its
// host has taken included.
func busy(t *testing.T) float64 {
	t.Helper()
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	sum := 0.0
	for i, field := range strings.Fields(line)[1:9] {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatal(err)
		}
		if i != 3 && i != 4 { // idle, waiting for a disk
			sum += n
		}
	}
	return sum / 100
}

// figures are those of one run. Rates are events a second, costs microseconds of
// CPU an event; steady is the second half of the log.
type figures struct {
	name           string
	threads, round int

	seconds, rate, steadyRate float64
	cost, steadyCost, broker  float64
	others                    float64 // cores that neither it nor the broker used
	peakMB                    int
	told                      int
}

// measure follows the contender through the log. The clock runs from the first
// commit that is seen at or after record number from to the last; what that first
// one covers is not counted.
func (c *contender) measure(from int64) figures {
	c.a.t.Helper()
	var first, half, last sample
	profiled := func() {}
	total := c.a.records()
	c.follow(20*time.Millisecond, func(done int64) {
		switch {
		case done < max(from, 1):
		case first.done == 0:
			first, profiled = c.sample(done), profile(c.a.t, c.cmd.Process)
		case half.done == 0 && done-first.done >= (total-first.done)/2:
			half = c.sample(done)
		}
		if done >= total {
			last = c.sample(done)
			profiled()
		}
	})
	f := figures{name: c.name, threads: c.threads, peakMB: peakRSS(c.a.t, c.cmd.Process.Pid)}
	if half.done == 0 {
		c.a.t.Fatalf("%s was done before it could be measured: more events are needed", c.name)
	}
	share := float64(c.a.events) / float64(total)
	events := float64(last.done-first.done) * share
	f.seconds = last.at.Sub(first.at).Seconds()
	f.rate, f.cost = events/f.seconds, (last.self-first.self)/events*1e6
	f.broker = (last.broker - first.broker) / events * 1e6
	f.others = (last.machine - first.machine - (last.self - first.self) - (last.broker - first.broker)) / f.seconds
	steady := float64(last.done-half.done) * share
	f.steadyRate, f.steadyCost = steady/last.at.Sub(half.at).Seconds(), (last.self-half.self)/steady*1e6
	return f
}
