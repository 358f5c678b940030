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
	{"go_goroutines", 1.1, 20},
	{"process_open_fds", 1.1, 20},
	{"process_resident_memory_bytes", 1.25, 32 << 20},
	{"unpark_store_open_iterators", 1, 2},
}

// TestSoak is `make soak`: for UNPARK_SOAK, load, and beside a process that
// stays another one that is killed, stopped, frozen and started again. Then
// memory, goroutines, files and iterators of the one that stayed must not have
// grown, and verify must find no difference. TestZombie and TestMembersComeAndGo
// are its short form.
func TestSoak(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("UNPARK_SOAK"))
	if err != nil {
		t.Skip("UNPARK_SOAK is not set to a duration: see make soak")
	}
	d := undeployed(t, localtest.SharedKafka(t), "")
	d.unpark("topics", "create", "--config", d.folder("admin"))
	d.unpark("config", "apply", "--config", forgetful(d, d.folder("admin")))
	l := startLoad(t, d, endAfter(20*time.Second))
	steady := d.run("steady", "processor").ready()
	guests := d.folder("guest")
	samples := make(map[string][]int)
	end := time.Now().Add(long)
	for round := 0; time.Now().Before(end); round++ {
		guest := d.runFolder("guest", guests, "processor").ready()
		until(t, time.Now().Add(time.Duration(5+rand.IntN(10))*time.Second))
		switch rand.IntN(3) {
		case 0:
			guest.stop()
		case 1:
			guest.signal(syscall.SIGKILL)
			guest.wait(time.Minute)
		case 2:
			guest.signal(syscall.SIGSTOP)
			until(t, time.Now().Add(sessionAndTransaction))
			guest.signal(syscall.SIGCONT)
			grew(t, d, 100)
			guest.stop()
		}
		for _, f := range flat {
			samples[f.metric] = append(samples[f.metric], steady.metricBy(f.metric, "none")[""])
		}
		if round%10 == 0 {
			t.Logf("round %d, %s left: %s", round, time.Until(end).Round(time.Second), latest(samples))
		}
	}
	l.stop()
	grew(t, d, 0)
	steady.stop()
	for _, f := range flat {
		s := samples[f.metric]
		before, after := median(s[len(s)/4:max(len(s)/2, len(s)/4+1)]), median(s[len(s)*3/4:])
		t.Logf("%s: %d in the second quarter, %d in the last", f.metric, before, after)
		if float64(after) > f.share*float64(before)+float64(f.slack) {
			t.Errorf("%s has grown from %d to %d", f.metric, before, after)
		}
	}
	t.Log(strings.TrimSpace(d.unpark("verify", "--config", d.folder("verify"))))
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

func latest(samples map[string][]int) string {
	var b strings.Builder
	for _, f := range flat {
		s := samples[f.metric]
		fmt.Fprintf(&b, "%s %d  ", f.metric, s[len(s)-1])
	}
	return b.String()
}

func median(values []int) int {
	s := slices.Sorted(slices.Values(values))
	return s[len(s)/2]
}
