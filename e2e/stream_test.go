package e2e

import (
	"os"
	"os/exec"
	"testing"

	"unpark/internal/localtest"
)

// TestRuntimeOnKafka runs the broker tests of processor/stream, which start an
// embedded broker by themselves, on a real one.
func TestRuntimeOnKafka(t *testing.T) {
	parallel(t)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "unpark/processor/stream")
	cmd.Env = append(os.Environ(), "UNPARK_TEST_KAFKA="+localtest.SharedKafka(t))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
