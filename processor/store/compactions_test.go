package store

import (
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"unpark/internal/crashfs"
)

// heldFS holds compactions up before they write, until let go.
type heldFS struct {
	vfs.FS
	begun func() // the first has begun
	goOn  chan struct{}
}

func (f *heldFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if category == "pebble-compaction" {
		f.begun()
		<-f.goOn
	}
	return f.FS.Create(name, category)
}

// A process that starts after a crash does not wait until Pebble has merged what the
// one before it left unmerged; that goes on beside its work.
func TestOpenBeforeCompactions(t *testing.T) {
	goOn := make(chan struct{})
	letGo := sync.OnceFunc(func() { close(goOn) })
	defer letGo()
	start := func(fs *crashfs.FS) {
		begun := make(chan struct{})
		held := &heldFS{FS: fs, begun: sync.OnceFunc(func() { close(begun) }), goOn: goOn}
		opened := make(chan *Store, 1)
		go func() {
			s, err := Open("data", Options{FS: held})
			if err != nil {
				t.Error(err)
			}
			opened <- s
		}()
		var s *Store
		select {
		case s = <-opened:
		case <-time.After(10 * time.Second):
			t.Fatal("it is not opened before a compaction ends")
		}
		p := s.Partition(0)
		t.Cleanup(func() { letGo(); closeStore(t, s, p) })
		for range 20 {
			commit(t, p, Position{}, put("a", "b"))
			flush(t, p)
		}
		select {
		case <-begun:
		case <-time.After(10 * time.Second):
			t.Fatal("no compaction begins")
		}
	}
	disk := crashfs.New()
	start(disk)
	start(disk.Crash(vfs.CrashCloneCfg{}))
}
