// Package crashfs is a file system in memory whose machine can be lost. It is for
// tests.
//
// Reads: nothing.
// Writes: nothing.
package crashfs

import (
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is Pebble's own, of which Crash may be asked at any time. In Pebble v2.1.7 the
// three operations below take a read lock twice, and hang with a CrashClone that
// comes between (cockroachdb/pebble#5993); here none is under way then. Once a
// release has that mended, this package can go.
type FS struct {
	*vfs.MemFS
	whole sync.RWMutex
}

// New returns an empty one.
func New() *FS { return &FS{MemFS: vfs.NewCrashableMem()} }

// Crash returns what the disk holds if the machine is lost now. FS itself goes on.
func (f *FS) Crash(cfg vfs.CrashCloneCfg) *FS {
	f.whole.Lock()
	defer f.whole.Unlock()
	return &FS{MemFS: f.CrashClone(cfg)}
}

// Link implements vfs.FS.
func (f *FS) Link(oldname, newname string) error {
	f.whole.RLock()
	defer f.whole.RUnlock()
	return f.MemFS.Link(oldname, newname)
}

// Lock implements vfs.FS.
func (f *FS) Lock(name string) (io.Closer, error) {
	f.whole.RLock()
	defer f.whole.RUnlock()
	return f.MemFS.Lock(name)
}

// ReuseForWrite implements vfs.FS.
func (f *FS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f.whole.RLock()
	defer f.whole.RUnlock()
	return f.MemFS.ReuseForWrite(oldname, newname, category)
}
