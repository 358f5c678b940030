package bench

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// profiled returns what go build needs for a processor that writes profiles, if
// UNPARK_PROFILE names a folder for them, and nothing otherwise.
func profiled(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("UNPARK_PROFILE")
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return []string{"-tags", "profile"}
}

// profile has a processor write its profiles of the time until stop is called.
func profile(t *testing.T, p *os.Process) (stop func()) {
	t.Helper()
	if profiled(t) == nil {
		return func() {}
	}
	done := filepath.Join(os.Getenv("UNPARK_PROFILE"), "allocs.pprof")
	signal := func(s os.Signal) {
		if err := p.Signal(s); err != nil {
			t.Error(err)
		}
	}
	_ = os.Remove(done)
	signal(syscall.SIGUSR1)
	return func() {
		signal(syscall.SIGUSR2)
		waitFor(t, "the profiles", func() bool { _, err := os.Stat(done); return err == nil })
	}
}
