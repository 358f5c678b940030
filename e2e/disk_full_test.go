package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"unpark/internal/localtest"
)

// TestDataDirFull takes all space from the processor's own disk: it must say so
// and end, and go on where it was once there is space again.
func TestDataDirFull(t *testing.T) {
	parallel(t)
	disk := smallDisk(t, 64<<20)
	d := deploy(t, localtest.SharedKafka(t), "")
	l := startLoad(t, d)
	dir := d.folder("processor")
	d.edit(dir, dir+"/data", disk.dir+"/data")
	for range tries(t) {
		p := d.runCrashing("processor", dir).ready() // its flushes come soon
		grew(t, d, 100)
		disk.fill()
		if code := p.wait(time.Minute); code != 1 {
			t.Errorf("exit code %d on a full disk, want 1\n%s", code, p.tail())
		}
		if said := p.tail(); !strings.Contains(said, "no space left on device") || strings.Contains(said, "goroutine ") {
			t.Errorf("on a full disk it said\n%s", said)
		}
		disk.clear()
	}
	p := d.runFolder("processor", dir, "processor").ready()
	grew(t, d, 100)
	report(t, faultSection, "the processor's disk full", tries(t), verified(t, d, l, p))
}

// runCrashing runs the processor with crash points, none of which is set: it
// flushes what it holds more often.
func (d *deployment) runCrashing(name, dir string) *process {
	d.t.Helper()
	return startBinary(d.t, crashing(d.t), name, d.env, "run", "--config", dir, "--roles", "processor")
}

// TestOneName gives two processes one name: the elder ends and says why, the
// younger does the work.
func TestOneName(t *testing.T) {
	parallel(t)
	d := deploy(t, localtest.SharedKafka(t), "")
	l := startLoad(t, d)
	elder := d.run("elder", "processor").ready()
	for i := range tries(t) {
		grew(t, d, 100)
		dir := d.folder(fmt.Sprintf("younger-%d", i))
		d.edit(dir, fmt.Sprintf("instance: younger-%d", i), "instance: elder")
		younger := d.runFolder("younger", dir, "processor").ready()
		if code := elder.wait(30 * time.Second); code != 1 {
			t.Errorf("the elder ended with exit code %d, want 1", code)
		}
		if said := elder.tail(); !strings.Contains(said, "another process has taken the name") {
			t.Errorf("the elder said\n%s", said)
		}
		elder = younger
	}
	grew(t, d, 100)
	report(t, faultSection, "two processes with one name", tries(t), verified(t, d, l, elder))
}
