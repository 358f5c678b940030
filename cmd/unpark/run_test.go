package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"unpark/config"
)

// A simulated time that nobody leads is said with who would.
func TestTimeNobodyLeads(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := timeOf(ctx, config.Simulation{Clock: filepath.Join(t.TempDir(), "clock.json")})
	if want := "; `unpark simulate` with the same folder leads the time"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want ...%s", err, want)
	}
}
