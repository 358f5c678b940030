package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"unpark/internal/localtest"
)

// built is where the binary lies once a test has asked for it.
var built string

func TestMain(m *testing.M) {
	code := localtest.Main(m)
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "unpark-e2e-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "unpark")
	if out, err := exec.Command("go", "build", "-o", path, "unpark/cmd/unpark").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// binary returns the path of unpark, built from the tree under test.
func binary(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// parallel marks a test that has processes of its own.
func parallel(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs a Kafka and processes")
	}
	t.Parallel()
}

const pollEvery = 50 * time.Millisecond

// eventually tries until try succeeds, and fails the test after within.
func eventually(t *testing.T, within time.Duration, what string, try func() error) {
	t.Helper()
	if err := poll(t, time.Now().Add(within), try); err != nil {
		t.Fatalf("%s: not within %v: %v", what, within, err)
	}
}

// errNotYet is for conditions that say nothing more.
var errNotYet = errors.New("not yet")

// until waits for an instant: where time itself is the condition.
func until(t *testing.T, at time.Time) {
	t.Helper()
	_ = poll(t, at, func() error { return errNotYet })
}

func poll(t *testing.T, deadline time.Time, try func() error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			return t.Context().Err()
		}
	}
}
