package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"unpark/internal/localtest"
)

// flat are the gauges that may not grow, and by how much the last quarter of a
// soak may lie above the second.
var flat = []struct {
	metric string
	share  float64
	slack  int
}{
	{"go_goroutines", 1.1, 10},
	{"process_open_fds", 1.1, 10},
	{"process_resident_memory_bytes", 1.15, 32 << 20},
	{"go_memstats_heap_inuse_bytes", 1.15, 32 << 20},
	{"unpark_store_open_iterators", 1, 2},
	{"unpark_store_disk_bytes", 1.25, 16 << 20},
}

// samplesARound are taken of the one that stays, spread over a round: what lives
// for a moment only is seen by some of them.
const samplesARound = 3

// soakVerify is how long verify may read all that a soak has brought about.
const soakVerify = 30 * time.Minute

// TestSoak is `make soak`: for UNPARK_SOAK, load, and beside a process that
// stays another one that is killed, stopped, frozen and started again. Then
// memory, goroutines, files, iterators and disk of the one that stayed must not
// have grown, and verify must find no difference. TestZombie and
// TestMembersComeAndGo are its short form.
func TestSoak(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("UNPARK_SOAK"))
	if err != nil {
		t.Skip("UNPARK_SOAK is not set to a duration: see make soak")
	}
	d := undeployed(t, localtest.SharedKafka(t), "")
	d.unpark("topics", "create", "--config", d.folder("admin"))
	d.unpark("config", "apply", "--config", forgetful(d, d.folder("admin")))
	l := startLoad(t, d, endAfter(20*time.Second), each(5))
	s := soak{t: t, d: d, steady: d.run("steady", "processor").ready(), guests: d.folder("guest"), samples: map[string][]int{}, fates: map[string]int{}}
	for end := time.Now().Add(long); time.Now().Before(end); s.rounds++ {
		s.round()
		if s.rounds%10 == 0 {
			t.Logf("round %d, %s left: %s", s.rounds, time.Until(end).Round(time.Second), s.latest())
		}
	}
	l.stop()
	eventually(t, time.Minute, "all of the load is worked", func() error { return d.workedUp(l.client) })
	s.steady.stop()
	s.steady.noErrors()
	s.checkFlat()
	r := commandWithin(t, soakVerify, d.env, "verify", "--config", d.folder("verify"))
	if r.code != 0 {
		t.Errorf("verify: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	report(t, faultSection, fmt.Sprintf("a process that comes and goes beside one that stays, for %s", long), s.rounds,
		fmt.Sprintf("killed %d times, frozen %d, stopped %d; %d conversations; %s",
			s.fates["killed"], s.fates["frozen"], s.fates["stopped"], l.sent, strings.TrimSpace(r.stdout)))
}

// soak is one process that stays and one that comes and goes.
type soak struct {
	t       *testing.T
	d       *deployment
	steady  *process
	guests  string // folder of the one that comes and goes
	rounds  int
	samples map[string][]int
	fates   map[string]int
}

// round lets a guest come, work for a while and go in one of three ways.
func (s *soak) round() {
	guest := s.d.runFolder("guest", s.guests, "processor").ready()
	for range samplesARound {
		until(s.t, time.Now().Add(time.Duration(2+rand.IntN(3))*time.Second))
		s.sample()
	}
	fate := []string{"stopped", "killed", "frozen"}[rand.IntN(3)]
	s.fates[fate]++
	switch fate {
	case "stopped":
		guest.stop()
	case "killed":
		guest.signal(syscall.SIGKILL)
		guest.wait(time.Minute)
	case "frozen":
		guest.signal(syscall.SIGSTOP)
		until(s.t, time.Now().Add(sessionAndTransaction))
		guest.signal(syscall.SIGCONT)
		grew(s.t, s.d, 100)
		guest.stop()
	}
}

func (s *soak) sample() {
	all := s.steady.metrics()
	for _, f := range flat {
		v, ok := all[f.metric]
		if !ok {
			s.t.Fatalf("/metrics has no %s", f.metric)
		}
		s.samples[f.metric] = append(s.samples[f.metric], v)
	}
}

// checkFlat compares the last quarter with the second: the first is for warming up.
func (s *soak) checkFlat() {
	s.t.Helper()
	for _, f := range flat {
		v := s.samples[f.metric]
		before, after := median(v[len(v)/4:max(len(v)/2, len(v)/4+1)]), median(v[len(v)*3/4:])
		s.t.Logf("%s: %d in the second quarter, %d in the last", f.metric, before, after)
		if float64(after) > f.share*float64(before)+float64(f.slack) {
			s.t.Errorf("%s has grown from %d to %d", f.metric, before, after)
		}
	}
}

func (s *soak) latest() string {
	var b strings.Builder
	for _, f := range flat {
		v := s.samples[f.metric]
		fmt.Fprintf(&b, "%s %d  ", f.metric, v[len(v)-1])
	}
	return b.String()
}

// forgetful has conversations that are over forgotten after a minute, so that
// as many are known at the end as in the middle.
func forgetful(d *deployment, dir string) string {
	d.t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "orgs", "*.yaml"))
	if err != nil || len(files) == 0 {
		d.t.Fatalf("no org files in %s: %v", dir, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			d.t.Fatal(err)
		}
		d.write(file, strings.Replace(string(data), "settle: 2s}", "settle: 2s, late: 1m}", 1))
	}
	return dir
}

func median(values []int) int {
	s := slices.Sorted(slices.Values(values))
	return s[len(s)/2]
}
