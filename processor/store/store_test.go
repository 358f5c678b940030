package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"unpark/internal/crashfs"
)

func open(t *testing.T, fs vfs.FS) *Store {
	t.Helper()
	s, err := Open("data", Options{FS: fs, CacheSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// closeStore closes the store and the partitions that are used no more.
func closeStore(t *testing.T, s *Store, ps ...*Partition) {
	t.Helper()
	var errs []error
	for _, p := range ps {
		errs = append(errs, p.Close())
	}
	if err := errors.Join(append(errs, s.Close())...); err != nil {
		t.Fatal(err)
	}
}

func newStore(t *testing.T) *Store {
	t.Helper()
	s := open(t, vfs.NewMem())
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func commit(t *testing.T, p *Partition, pos Position, fill func(p *Partition)) {
	t.Helper()
	fill(p)
	if err := p.Commit(pos); err != nil {
		t.Fatal(err)
	}
}

func put(keys ...string) func(p *Partition) {
	return func(p *Partition) {
		for _, k := range keys {
			p.Put([]byte(k), []byte("v"+k))
		}
	}
}

func scan(t *testing.T, p *Partition, prefix, from string) []string {
	t.Helper()
	var got []string
	if err := p.Scan([]byte(prefix), []byte(from), func(key, value []byte) bool {
		got = append(got, string(key)+"="+string(value))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

func due(t *testing.T, p *Partition, behind Deadline) []string {
	t.Helper()
	walk, err := p.Deadlines(behind)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for d, ok := walk.Head(); ok; d, ok = walk.Head() {
		got = append(got, fmt.Sprintf("%d %s", d.At, d.Key))
		walk.Advance()
	}
	if err := walk.Close(); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestGet(t *testing.T) {
	s := open(t, vfs.NewMem())
	p := s.Partition(1)
	defer func() { closeStore(t, s, p) }()
	commit(t, p, Position{}, func(b *Partition) {
		b.Put([]byte("a"), []byte("1"))
		b.Put([]byte("empty"), nil)
		b.Put([]byte("gone"), []byte("2"))
		b.Delete([]byte("gone"))
	})
	for key, want := range map[string][]byte{"a": []byte("1"), "empty": {}, "gone": nil, "never": nil} {
		got, err := p.Get([]byte(key))
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("Get(%s) = %#v, %v, want %#v", key, got, err, want)
		}
	}
}

// Reads keep tables of Pebble open, until a flush or until it is asked for.
func TestEndReading(t *testing.T) {
	s := open(t, vfs.NewMem())
	p := s.Partition(1)
	defer func() { closeStore(t, s, p) }()
	write := func(value string) {
		t.Helper()
		commit(t, p, Position{}, func(p *Partition) {
			p.Put([]byte("a"), []byte(value))
			p.Put([]byte("c"), []byte(value))
		})
		if err := p.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	// read looks for a key that no layer knows, and says how many tables stay open.
	read := func() int64 {
		t.Helper()
		if v, err := p.Get([]byte("b")); err != nil || v != nil {
			t.Fatalf("Get = %q, %v", v, err)
		}
		return s.db.Metrics().TableIters
	}
	write("1")
	if read() == 0 {
		t.Fatal("nothing is kept open: the test shows nothing")
	}
	if err := p.EndReading(); err != nil || s.db.Metrics().TableIters != 0 {
		t.Errorf("%d tables are open after EndReading, %v", s.db.Metrics().TableIters, err)
	}
	read()
	write("2")
	if n := s.db.Metrics().TableIters; n != 0 {
		t.Errorf("%d tables are open after a flush", n)
	}
	write("3") // the layer with 2 goes
	if v, err := p.Get([]byte("a")); err != nil || string(v) != "3" {
		t.Errorf("Get = %q, %v, want 3", v, err)
	}
}

func TestScan(t *testing.T) {
	s := newStore(t)
	p := s.Partition(1)
	commit(t, p, Position{}, put("a", "b1", "b2", "b\xff", "c"))
	commit(t, s.Partition(0), Position{}, put("b0"))
	commit(t, s.Partition(2), Position{}, put("b0"))
	tests := []struct {
		prefix, from string
		want         []string
	}{
		{"b", "", []string{"b1=vb1", "b2=vb2", "b\xff=vb\xff"}},
		{"b", "b2", []string{"b2=vb2", "b\xff=vb\xff"}},
		{"b", "b11", []string{"b2=vb2", "b\xff=vb\xff"}},
		{"b\xff", "", []string{"b\xff=vb\xff"}},
		{"b", "c", nil},
		{"", "b2", []string{"b2=vb2", "b\xff=vb\xff", "c=vc"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, scan(t, p, tt.prefix, tt.from)); diff != "" {
			t.Errorf("Scan(%q, %q) (-want +got):\n%s", tt.prefix, tt.from, diff)
		}
	}
	n := 0
	if err := p.Scan(nil, nil, func(_, _ []byte) bool { n++; return n < 2 }); err != nil || n != 2 {
		t.Errorf("%d calls, err %v; want the scan to stop after 2", n, err)
	}
}

func TestDeadlines(t *testing.T) {
	s := newStore(t)
	p := s.Partition(1)
	commit(t, p, Position{}, func(b *Partition) {
		for _, d := range []Deadline{{20, "b"}, {-5, "x"}, {20, "a"}, {300, "a"}, {20, "c"}} {
			b.PutDeadline(d)
		}
		b.DropDeadline(Deadline{20, "c"})
		b.Put([]byte("state"), nil)
	})
	commit(t, s.Partition(2), Position{}, func(b *Partition) { b.PutDeadline(Deadline{1, "other"}) })
	tests := []struct {
		behind Deadline
		want   []string
	}{
		{Deadline{-10, ""}, []string{"-5 x", "20 a", "20 b", "300 a"}},
		{Deadline{20, ""}, []string{"20 a", "20 b", "300 a"}},
		{Deadline{20, "a"}, []string{"20 b", "300 a"}},
		{Deadline{300, "a"}, nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, due(t, p, tt.behind)); diff != "" {
			t.Errorf("behind %v (-want +got):\n%s", tt.behind, diff)
		}
	}
	commit(t, p, Position{}, func(b *Partition) { b.HandledDeadlines(Deadline{20, "a"}) })
	if diff := cmp.Diff([]string{"20 b", "300 a"}, due(t, p, Deadline{-10, ""})); diff != "" {
		t.Errorf("after the deletion up to 20 a (-want +got):\n%s", diff)
	}
	commit(t, p, Position{}, func(b *Partition) { b.HandledDeadlines(Deadline{20, ""}) })
	if diff := cmp.Diff([]string{"20 b", "300 a"}, due(t, p, Deadline{-10, ""})); diff != "" {
		t.Errorf("after the deletion up to 20 (-want +got):\n%s", diff)
	}
}

func TestPosition(t *testing.T) {
	p := newStore(t).Partition(1)
	if _, ok, err := p.Position(); ok || err != nil {
		t.Errorf("position of an empty partition: %v, %v", ok, err)
	}
	want := Position{Changelog: 7, Topic: [16]byte{1}, Cluster: "c", Format: 1, WrittenAt: 5, Meta: []byte("m"), MetaAt: 6}
	commit(t, p, want, func(*Partition) {})
	got, ok, err := p.Position()
	if diff := cmp.Diff(want, got); !ok || err != nil || diff != "" {
		t.Errorf("Position = %v, %v (-want +got):\n%s", ok, err, diff)
	}
}

// A position that cannot be read stands for nothing, and there is something in the
// partition: whoever takes it for empty would build upon that.
func TestPositionUnreadable(t *testing.T) {
	s := newStore(t)
	p := s.Partition(1)
	commit(t, p, Position{Changelog: 7}, put("a"))
	flush(t, p)
	if err := errors.Join(p.Close(), s.db.Set(appendPrefix(nil, 1, positionSpace), []byte("{"), pebble.NoSync)); err != nil {
		t.Fatal(err)
	}
	p = s.Partition(1)
	defer p.Close()
	pos, ok, err := p.Position()
	if diff := cmp.Diff(Position{}, pos); !ok || err != nil || diff != "" {
		t.Errorf("Position = %v, %v (-want +got):\n%s", ok, err, diff)
	}
}

func TestDrop(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs)
	ps := []*Partition{s.Partition(0), s.Partition(1), s.Partition(2)}
	for _, p := range ps {
		for n := range int64(2) { // one of them in Pebble
			commit(t, p, Position{Changelog: n}, func(p *Partition) {
				put("a")(p)
				p.PutDeadline(Deadline{1, "a"})
			})
			if n == 0 {
				flush(t, p)
			}
		}
	}
	if err := ps[1].Drop(); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s, ps...)
	s = open(t, fs)
	for id := range int32(3) {
		p := s.Partition(id)
		_, ok, err := p.Position()
		n := len(scan(t, p, "", "")) + len(due(t, p, Deadline{}))
		if want := id != 1; ok != want || err != nil || (n == 2) != want || (n == 0) == want {
			t.Errorf("partition %d: position %v (%v), %d entries; only partition 1 was dropped", id, ok, err, n)
		}
	}
	closeStore(t, s)
}

func flush(t *testing.T, p *Partition) {
	t.Helper()
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestInUse(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs)
	if _, err := Open("data", Options{FS: fs}); !errors.Is(err, ErrInUse) {
		t.Errorf("err = %v, want ErrInUse", err)
	}
	closeStore(t, s)
	closeStore(t, open(t, fs))
}

func TestInUseOnDisk(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("err = %v, want ErrInUse", err)
	}
	if _, err := Open("/dev/null/data", Options{}); err == nil || errors.Is(err, ErrInUse) {
		t.Errorf("err = %v, want one that is not ErrInUse", err)
	}
}

// TestCrash crashes at many points, those within a flush and a drop among them, with
// any part of what was not synced lost, and checks that what is there is the state
// at the position beside it.
func TestCrash(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		fs := crashfs.New()
		var crashes []*crashfs.FS
		crash := func(string) {
			crashes = append(crashes, fs.Crash(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng}))
		}
		s, err := Open("data", Options{FS: fs, CacheSize: 1 << 20, Step: crash})
		if err != nil {
			t.Fatal(err)
		}
		ps := []*Partition{s.Partition(0), s.Partition(1)}
		for n := int64(1); n <= 60; n++ {
			for _, p := range ps {
				if write(t, p, n); rng.IntN(5) == 0 {
					flush(t, p)
				}
			}
			if n == 30 {
				if err := ps[1].Drop(); err != nil {
					t.Fatal(err)
				}
				crash("")
			}
		}
		closeStore(t, s, ps...)
		if got := checkCrashed(t, fs); got != [2]int64{60, 60} {
			t.Errorf("positions %d after a clean close, want 60", got)
		}
		first, last := [2]int64{}, [2]int64{}
		for i, fs := range crashes {
			got := checkCrashed(t, fs)
			if i == 0 {
				first = got
			}
			last = got
		}
		if first == last || last[0] == 0 {
			t.Errorf("positions %d after the first crash and %d after the last one: nothing was written", first, last)
		}
	}
}

// checkCrashed returns the positions of both partitions.
func checkCrashed(t *testing.T, fs vfs.FS) (at [2]int64) {
	t.Helper()
	s := open(t, fs)
	defer closeStore(t, s)
	for id := range at {
		at[id] = check(t, s.Partition(int32(id)))
	}
	return at
}

// write leads to a state in which all is told by n: ten keys and one deadline.
func write(t *testing.T, p *Partition, n int64) {
	t.Helper()
	commit(t, p, Position{Changelog: n}, func(b *Partition) {
		for i := range 10 {
			b.Put(fmt.Appendf(nil, "k%d", i), fmt.Appendf(nil, "%d %01000d", n, i))
		}
		b.DropDeadline(Deadline{n - 1, "k"})
		b.PutDeadline(Deadline{n, "k"})
	})
}

func check(t *testing.T, p *Partition) int64 {
	t.Helper()
	pos, ok, err := p.Position()
	if err != nil {
		t.Fatal(err)
	}
	var want, wantDue []string
	if ok {
		wantDue = []string{fmt.Sprintf("%d k", pos.Changelog)}
		for i := range 10 {
			want = append(want, fmt.Sprintf("k%d=%d %01000d", i, pos.Changelog, i))
		}
	}
	if diff := cmp.Diff(want, scan(t, p, "", "")); diff != "" {
		t.Fatalf("partition %d at position %d (-want +got):\n%s", p.ID(), pos.Changelog, diff)
	}
	if diff := cmp.Diff(wantDue, due(t, p, Deadline{})); diff != "" {
		t.Fatalf("deadlines of partition %d at position %d (-want +got):\n%s", p.ID(), pos.Changelog, diff)
	}
	return pos.Changelog
}
