package store

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// What has been written of a table for which the disk has no room does not stay there:
// a partition that is restored tries again and again.
func TestFlushOnFullDisk(t *testing.T) {
	var full atomic.Pointer[func(errorfs.Op) bool]
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if fails := full.Load(); fails != nil && (*fails)(op) {
			return syscall.ENOSPC
		}
		return nil
	}))
	s := open(t, fs)
	ours := func(op errorfs.Op) bool { return strings.Contains(op.Path, flushFolder) }
	for step, fails := range map[string]func(errorfs.Op) bool{
		"write": func(op errorfs.Op) bool { return op.Kind == errorfs.OpFileWrite && ours(op) },
		"sync":  func(op errorfs.Op) bool { return op.Kind == errorfs.OpFileSync && ours(op) },
		"apply": func(op errorfs.Op) bool {
			return op.Kind == errorfs.OpLink || op.Kind == errorfs.OpCreate && !ours(op)
		},
	} {
		p := s.Partition(1)
		commit(t, p, Position{Changelog: 1}, put("a"))
		full.Store(&fails)
		err := p.Flush()
		full.Store(nil)
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: err = %v", step, err)
		}
		if left, err := fs.List(s.flushDir); err != nil || len(left) > 0 {
			t.Errorf("%s: %v are left (%v)", step, left, err)
		}
		if err := p.Close(); err == nil {
			t.Errorf("%s: closed as if all were on the disk", step)
		}
	}
	closeStore(t, s)
}
