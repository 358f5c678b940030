package crashfs

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Files are linked while the machine is lost time and again. With Pebble's own file
// system this hangs.
func TestCrashWhileLinking(t *testing.T) {
	fs := New()
	file, err := fs.Create("a", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	linked := make(chan struct{})
	go func() {
		defer close(linked)
		for i := range 5_000 {
			if err := fs.Link("a", fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		}
	}()
	for {
		select {
		case <-linked:
			return
		default:
			fs.Crash(vfs.CrashCloneCfg{})
		}
	}
}
