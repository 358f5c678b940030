package store

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// model is what a partition should hold.
type model struct {
	states map[string]string
	due    map[string]Deadline
}

func (m model) scan(prefix, from string) []string {
	var all []string
	for k, v := range m.states {
		if strings.HasPrefix(k, prefix) && k >= from {
			all = append(all, k+"="+v)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		ka, _, _ := strings.Cut(a, "=")
		kb, _, _ := strings.Cut(b, "=")
		return strings.Compare(ka, kb)
	})
	return all
}

func (m model) walk(behind Deadline) []string {
	var ds []Deadline
	for _, d := range m.due {
		if behind.less(d) || len(behind.Key) == 0 && d.At == behind.At {
			ds = append(ds, d)
		}
	}
	slices.SortFunc(ds, func(a, b Deadline) int {
		if a.less(b) {
			return -1
		}
		return 1
	})
	var all []string
	for _, d := range ds {
		all = append(all, fmt.Sprintf("%d %s", d.At, d.Key))
	}
	return all
}

// TestLayers compares a partition with a plain model: whatever is written, and
// wherever it lies by then, is read as if there were no layers.
func TestLayers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewMem()
		s := open(t, fs)
		p := s.Partition(3)
		m := model{states: make(map[string]string), due: make(map[string]Deadline)}
		handled := Deadline{At: -1}
		for n := range rapid.Int64Range(1, 40).Draw(rt, "commits") {
			for range rapid.IntRange(0, 6).Draw(rt, "changes") {
				handled = change(rt, p, m, handled)
			}
			if err := p.Commit(Position{Changelog: n + 1}); err != nil {
				rt.Fatal(err)
			}
			switch rapid.IntRange(0, 5).Draw(rt, "then") {
			case 0:
				flush(t, p)
			case 1:
				p.freezeIfIdle(t)
			case 2:
				closeStore(t, s, p)
				s = open(t, fs)
				p = s.Partition(3)
			}
			compare(rt, t, p, m, handled, n+1)
		}
		closeStore(t, s, p)
	})
}

// freezeIfIdle starts a flush and does not wait for it.
func (p *Partition) freezeIfIdle(t *testing.T) {
	t.Helper()
	if err := p.settle(true); err != nil {
		t.Fatal(err)
	}
	if err := p.freeze(); err != nil {
		t.Fatal(err)
	}
}

// change makes one change; entries of the index stand behind what is handled, and
// dropped ones are those that are there.
func change(rt *rapid.T, p *Partition, m model, handled Deadline) Deadline {
	alphabet := rapid.SampledFrom([]byte{0, 'a', 'b', 0xff})
	key := rapid.SliceOfN(alphabet, 0, 11).Draw(rt, "key")
	d := Deadline{At: handled.At + rapid.Int64Range(1, 9).Draw(rt, "at"), Key: "k" + string(key)}
	name := fmt.Sprintf("%d %s", d.At, d.Key)
	switch rapid.IntRange(0, 6).Draw(rt, "change") {
	case 0, 1:
		value := strings.Repeat("v", rapid.IntRange(0, 90).Draw(rt, "length"))
		p.Put(key, []byte(value))
		m.states[string(key)] = value
	case 2:
		p.Delete(key)
		delete(m.states, string(key))
	case 3, 4:
		p.PutDeadline(d)
		m.due[name] = d
	case 5:
		if _, ok := m.due[name]; ok {
			p.DropDeadline(d)
			// The same entry may lie under the layer that had it: put twice, it stays.
			p.DropDeadline(d)
			delete(m.due, name)
		}
	case 6:
		p.HandledDeadlines(d)
		for name, o := range m.due {
			if !d.less(o) {
				delete(m.due, name)
			}
		}
		return d
	}
	return handled
}

func compare(rt *rapid.T, t *testing.T, p *Partition, m model, handled Deadline, at int64) {
	for _, q := range [][2]string{{"", ""}, {"a", ""}, {"", "ab"}, {"b", "ba\x00"}, {"\xff", ""}} {
		if diff := cmp.Diff(m.scan(q[0], q[1]), scan(t, p, q[0], q[1])); diff != "" {
			rt.Fatalf("Scan(%q, %q) (-want +got):\n%s", q[0], q[1], diff)
		}
	}
	if diff := cmp.Diff(m.walk(handled), due(t, p, handled)); diff != "" {
		rt.Fatalf("deadlines behind %v (-want +got):\n%s", handled, diff)
	}
	for key, want := range m.states {
		if got, err := p.Get([]byte(key)); err != nil || got == nil || string(got) != want {
			rt.Fatalf("Get(%q) = %q, %v, want %q", key, got, err, want)
		}
	}
	if got, err := p.Get([]byte("aab")); (m.states["aab"] == "") != (len(got) == 0) || err != nil {
		rt.Fatalf("Get = %q, %v", got, err)
	}
	if pos, ok, err := p.Position(); !ok || err != nil || pos.Changelog != at {
		rt.Fatalf("Position = %v, %v, %v, want %d", pos, ok, err, at)
	}
}

// TestFlushes checks that a large layer and an old one go to Pebble without being
// told to, and what is not committed does not.
func TestFlushes(t *testing.T) {
	for name, o := range map[string]Options{"large": {LayerSize: 1}, "old": {FlushInterval: 1}} {
		fs := vfs.NewMem()
		o.FS = fs
		s, err := Open("data", o)
		if err != nil {
			t.Fatal(err)
		}
		p := s.Partition(1)
		for n := range int64(20) {
			commit(t, p, Position{Changelog: n + 1}, func(p *Partition) {
				p.Put(fmt.Append(nil, n), make([]byte, 100_000))
			})
		}
		if err := p.settle(true); err != nil { // a flush passes beside the commits
			t.Fatal(err)
		}
		if n := s.flushes.Load(); n == 0 {
			t.Errorf("%s: no flush in 20 commits", name)
		}
		p.Put([]byte("open"), nil)
		if err := p.Flush(); err == nil {
			t.Errorf("%s: changes were flushed that are not committed", name)
		}
		before := s.flushes.Load()
		closeStore(t, s, p)
		if n := s.flushes.Load(); n != before {
			t.Errorf("%s: changes that are not committed were flushed by Close", name)
		}
	}
}

// TestRestoredIndex checks that the index of restored states follows from the
// newest of each.
func TestRestoredIndex(t *testing.T) {
	s := newStore(t)
	p := s.Partition(1)
	p.BeginRestore(func(_, value []byte) (int64, bool, error) {
		return int64(len(value)), !bytes.HasPrefix(value, []byte("-")), nil
	})
	for n, v := range []string{"aaaaa", "aaa", "aa", "-", "aaaa"} {
		key := fmt.Appendf(nil, "k%d", n/2)
		commit(t, p, Position{Changelog: int64(n)}, func(p *Partition) { p.Put(key, []byte(v)) })
		if n == 2 {
			flush(t, p)
		}
	}
	if err := p.EndRestore(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2 k1", "3 k0", "4 k2"}, due(t, p, Deadline{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
