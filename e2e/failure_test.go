package e2e

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/internal/localtest"
)

// verified stops the processes, lets verify read everything again, and fails the
// test for any difference. It returns what verify said.
func verified(t *testing.T, d *deployment, l *load, ps ...*process) string {
	t.Helper()
	l.stop()
	told := follow(d, "escalations")
	// Verify says more than a count, so a wrong count does not end the test here.
	if err := poll(t, time.Now().Add(time.Minute), func() error { return l.told(told) }); err != nil {
		t.Errorf("every conversation is to be told of, once at each tier: %v", err)
	}
	for _, p := range ps {
		p.stop()
	}
	r := command(t, d.env, "verify", "--config", d.folder("verify"))
	if r.code != 0 { // a row of the report, too
		t.Errorf("verify: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
		return fmt.Sprintf("verify: exit code %d", r.code)
	}
	return strings.TrimSpace(r.stdout)
}

// grew waits until n more escalations are told.
func grew(t *testing.T, d *deployment, n int) {
	t.Helper()
	cl, err := kgo.NewClient(d.seeds(), kgo.ConsumeTopics(d.topic("escalations")), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtEnd()), kgo.FetchMaxWait(pollEvery))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got := 0
	for got < n && ctx.Err() == nil {
		got += cl.PollFetches(ctx).NumRecords()
	}
	if got < n {
		t.Fatalf("%d more escalations within a minute, want %d", got, n)
	}
}

// TestZombie stops a process dead (SIGSTOP) for longer than the session and the
// transaction may last, with timers due all the while, and lets it go on: what
// it had begun must not count, and the other has done its work.
func TestZombie(t *testing.T) {
	parallel(t)
	d := deploy(t, localtest.SharedKafka(t), "")
	l := startLoad(t, d)
	zombie, other := d.run("zombie", "processor").ready(), d.run("other", "processor").ready()
	for range tries(t) {
		grew(t, d, 100)
		zombie.signal(syscall.SIGSTOP)
		until(t, time.Now().Add(sessionAndTransaction))
		grew(t, d, 400) // of all partitions: the other works them alone
		zombie.signal(syscall.SIGCONT)
		grew(t, d, 400)
	}
	report(t, faultSection, "frozen past session and transaction time-out, timers due", tries(t), verified(t, d, l, zombie, other))
}

// sessionAndTransaction is longer than both time-outs of a runner.
const sessionAndTransaction = 13 * time.Second

// TestMembersComeAndGo has processes join, leave and die under load.
func TestMembersComeAndGo(t *testing.T) {
	parallel(t)
	d := deploy(t, localtest.SharedKafka(t), "")
	l := startLoad(t, d)
	steady := d.run("steady", "processor").ready()
	for i := range 3 * tries(t) {
		dir := d.folder(fmt.Sprintf("guest-%d", i%2))
		guest := d.runFolder("guest", dir, "processor").ready()
		grew(t, d, 100)
		if i%2 == 0 {
			guest.stop()
			continue
		}
		guest.signal(syscall.SIGKILL)
		guest.wait(time.Minute)
	}
	report(t, faultSection, "members join, leave and die", 3*tries(t), verified(t, d, l, steady))
}

// TestStorm has a process join and leave every second under load, stopped and
// killed in turn; what it leaves on disk it finds again.
func TestStorm(t *testing.T) {
	parallel(t)
	d := deploy(t, localtest.SharedKafka(t), "")
	l := startLoad(t, d)
	steady := d.run("steady", "processor").ready()
	grew(t, d, 100)
	dirs := []string{d.folder("guest-0"), d.folder("guest-1")}
	rounds := 6 * tries(t)
	for i := range rounds {
		guest := d.runFolder("guest", dirs[i%len(dirs)], "processor")
		until(t, time.Now().Add(time.Second))
		if i%3 == 0 {
			guest.signal(syscall.SIGKILL)
			guest.wait(time.Minute)
			continue
		}
		guest.stop()
	}
	grew(t, d, 100)
	report(t, faultSection, "a member joins and leaves every second", rounds, verified(t, d, l, steady))
}
