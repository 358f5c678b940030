package bench

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// profiles is the folder that the processor writes its profiles to; empty: it writes
// none.
func profiles() string { return os.Getenv("UNPARK_PROFILE") }

// buildFlags returns what go build needs for a processor that is built by the profile
// UNPARK_PGO, as the one that is shipped, and writes profiles if it is to.
func buildFlags(t *testing.T) (flags []string) {
	t.Helper()
	if by := os.Getenv("UNPARK_PGO"); by != "" {
		flags = append(flags, "-trimpath", "-pgo="+by)
	}
	if dir := profiles(); dir != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		flags = append(flags, "-tags=profile")
	}
	return flags
}

// profile has a processor write its profiles of the time until stop is called.
func profile(t *testing.T, p *os.Process) (stop func()) {
	t.Helper()
	if profiles() == "" {
		return func() {}
	}
	done := filepath.Join(profiles(), "allocs.pprof")
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
