package stream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"unpark/processor/store"
)

func TestRunnersRestoreEqualsState(t *testing.T) {
	k := newKafka(t, 2)
	kept := t.TempDir()
	p := k.start(k.config("a", kept))
	far := time.Now().Add(time.Hour).UnixMilli()
	for i := range 20 {
		k.produce(int32(i%2), encode(eventInput(fmt.Sprintf("far%d", i%7), far-int64(i))))
	}
	want := k.echo(2, 0, 10)
	k.waitEscalations(want)
	p.stop()
	fresh := t.TempDir()
	p = k.start(k.config("a", fresh))
	p.waitReady()
	p.stop()
	got, old := dump(t, fresh), dump(t, kept)
	if len(got) == 0 {
		t.Error("nothing was restored")
	}
	for key := range old {
		if strings.HasPrefix(key, "due") && got[key] == "" {
			delete(old, key) // stale entries are not restored
		}
	}
	if diff := cmp.Diff(old, got); diff != "" {
		t.Errorf("state after a restore (-kept +restored):\n%s", diff)
	}
}

// dump returns all that a data dir holds, but where it stands.
func dump(t *testing.T, dir string) map[string]string {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return dumpStore(t, s)
}

// dumpStore returns all that a store holds, but where it stands, and closes it.
func dumpStore(t *testing.T, s *store.Store) map[string]string {
	t.Helper()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	all := make(map[string]string)
	for id := range int32(2) {
		p := s.Partition(id)
		err := p.Scan(nil, nil, func(key, value []byte) bool {
			all[fmt.Sprintf("%d %s", id, key)] = string(value)
			if at, ok, err := newToy().Deadline(key, value); ok && err == nil {
				all[fmt.Sprintf("want %d %d %s", id, at, key)] = "set"
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		walk, err := p.Deadlines(store.Deadline{})
		if err != nil {
			t.Fatal(err)
		}
		for h, ok := walk.Head(); ok; h, ok = walk.Head() {
			key := fmt.Sprintf("%d %d %s", id, h.At, h.Key)
			delete(all, "want "+key)
			all["due "+key] = "set"
			walk.Advance()
		}
		if err := walk.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for key := range all {
		if strings.HasPrefix(key, "want") {
			t.Errorf("the index lacks %s", key)
		}
	}
	return all
}
