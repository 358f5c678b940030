package database

import (
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// What Pebble cannot go on after, as when the disk is too full for its manifest, ends
// the process as any other failure does: with a reason in the log, and without a stack.
func TestFatal(t *testing.T) {
	const child = "UNPARK_TEST_FATAL"
	if os.Getenv(child) != "" {
		full := errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind == errorfs.OpFileWrite && strings.Contains(op.Path, "MANIFEST") {
				return syscall.ENOSPC
			}
			return nil
		})
		_, err := Open("data", &pebble.Options{FS: errorfs.Wrap(vfs.NewMem(), full)}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
		t.Fatalf("FAIL: opened, with %v", err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFatal$")
	cmd.Env = append(os.Environ(), child+"=1")
	said, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for word, want := range map[string]bool{"no space left on device": true, "goroutine ": false, "FAIL": false} {
		if strings.Contains(string(said), word) != want {
			t.Errorf("%q in what it said is %v:\n%s", word, !want, said)
		}
	}
}
