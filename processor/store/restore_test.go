package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"unpark/internal/crashfs"
)

// What was restored is in Pebble soon after, without a commit or a close: a process
// that is killed finds it at its next start.
func TestRestoreIsFlushed(t *testing.T) {
	fs, applied := crashfs.New(), make(chan struct{}, 1)
	s, err := Open("data", Options{FS: fs, Step: func(name string) {
		if name == StepApplied {
			applied <- struct{}{}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	const n, at = 20_000, 7
	p := s.Partition(1)
	p.BeginRestore(func([]byte, []byte) (int64, bool, error) { return at, true, nil })
	for i := range n {
		p.Put(fmt.Appendf(nil, "key %d", i), make([]byte, 200))
	}
	if err := p.Commit(Position{Changelog: n}); err != nil {
		t.Fatal(err)
	}
	if err := p.EndRestore(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-applied:
	case <-time.After(time.Minute):
		t.Fatal("nothing is flushed")
	}
	killed, err := Open("data", Options{FS: fs.Crash(vfs.CrashCloneCfg{})})
	if err != nil {
		t.Fatal(err)
	}
	q := killed.Partition(1)
	pos, ok, err := q.Position()
	if err != nil || !ok || pos.Changelog != n {
		t.Errorf("position %+v, %v, error %v; want changelog offset %d", pos, ok, err, n)
	}
	if got := len(due(t, q, Deadline{})); got != n {
		t.Errorf("%d deadlines, want %d", got, n)
	}
	for _, p := range []*Partition{p, q} {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, s := range []*Store{s, killed} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A restore commits while the layer before is being indexed and flushed: nothing of
// either is lost, nor shared between the two.
func TestRestoreInManyCommits(t *testing.T) {
	s, err := OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	s.layerSize = minShare
	const commits, each, at = 200, 40, 7
	p := s.Partition(1)
	p.BeginRestore(func([]byte, []byte) (int64, bool, error) { return at, true, nil })
	for i := range commits {
		for j := range each {
			p.Put(fmt.Appendf(nil, "key %d %d", i, j), make([]byte, 300))
		}
		if err := p.Commit(Position{Changelog: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.EndRestore(); err != nil {
		t.Fatal(err)
	}
	if got := len(due(t, p, Deadline{})); got != commits*each {
		t.Errorf("%d deadlines, want %d", got, commits*each)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
