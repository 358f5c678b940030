package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Steps of a flush, for Options.Step.
const (
	StepWritten = "mid-apply"   // the table is on disk, and nobody knows it
	StepApplied = "after-apply" // Pebble has it
)

// flush brings a layer into Pebble: one sorted table with all that it changes and
// the position it stands for, which Pebble takes in as a whole or not at all. It
// goes around Pebble's own log and memtables: what is lost with the process is
// read again from the changelog.
func (s *Store) flush(id int32, l *layer, trimmed *Deadline) error {
	begun := time.Now()
	path := s.fs.PathJoin(s.flushDir, fmt.Sprintf("%d-%d.sst", id, s.flushes.Add(1)))
	if err := s.writeTable(path, id, l, trimmed); err != nil {
		return errors.Join(fmt.Errorf("write state of partition %d: %w", id, err), s.discard(path))
	}
	s.step(StepWritten)
	if err := s.db.Ingest(context.Background(), []string{path}); err != nil {
		return errors.Join(fmt.Errorf("apply state of partition %d: %w", id, err), s.discard(path))
	}
	s.step(StepApplied)
	s.flushNanos.Add(int64(time.Since(begun)))
	return nil
}

// discard removes what there is of a table that Pebble does not have.
func (s *Store) discard(path string) error {
	if err := s.fs.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (s *Store) writeTable(path string, id int32, l *layer, trimmed *Deadline) error {
	file, err := s.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w := tableWriter{Writer: sstable.NewWriter(objstorageprovider.NewFileWritable(file), s.tableOptions), id: id}
	err = errors.Join(w.deadlines(l, trimmed), w.position(l.pos), w.states(l.states))
	if err = errors.Join(err, w.Close()); err != nil { // it waits for the disk
		return err
	}
	written, err := w.Metadata()
	s.flushedBytes.Add(int64(written.Size))
	return err
}

// tableWriter writes a layer in the order of Pebble's keys.
type tableWriter struct {
	*sstable.Writer
	id  int32
	key []byte
}

// deadlines writes the changes of the index. Handled entries go as one range,
// from where the last flush has trimmed the index.
func (w *tableWriter) deadlines(l *layer, trimmed *Deadline) error {
	if l.handled != nil {
		start := appendPrefix(nil, w.id, deadlineSpace)
		if trimmed != nil {
			start = deadlineKey(nil, w.id, *trimmed)
		}
		if end := behindKey(w.id, *l.handled); string(start) < string(end) {
			if err := w.DeleteRange(start, end); err != nil {
				return err
			}
		}
	}
	added, gone := l.due.Iter(), l.dropped.Iter()
	a, g := added.First(), gone.First()
	for a || g {
		var err error
		if a && (!g || added.Item().less(gone.Item())) {
			w.key = deadlineKey(w.key[:0], w.id, added.Item())
			err, a = w.Set(w.key, nil), added.Next()
		} else {
			w.key = deadlineKey(w.key[:0], w.id, gone.Item())
			err, g = w.Delete(w.key), gone.Next()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *tableWriter) position(pos *Position) error {
	v, err := json.Marshal(pos)
	if err != nil {
		return err
	}
	return w.Set(appendPrefix(nil, w.id, positionSpace), v)
}

func (w *tableWriter) states(t *table) error {
	for _, e := range t.sorted() {
		w.key = stateKey(w.key[:0], w.id, t.key(e.at))
		var err error
		if v := t.value(e.at); v != nil {
			err = w.Set(w.key, v)
		} else {
			err = w.Delete(w.key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
