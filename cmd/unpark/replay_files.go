package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"unpark/connectors/eventbridge"
	"unpark/processor/replay"
)

// inputs are the files of a replay, in order.
type inputs []input

type input struct {
	name string
	file *os.File // as it is, perhaps compressed
	io.ReadCloser
}

// openAll opens every file before the first is read: a missing one is said at
// once.
func openAll(names []string) (inputs, error) {
	var files inputs
	for _, name := range names {
		file, err := open(name)
		if err != nil {
			files.close()
			return nil, err
		}
		in := input{name: name, file: file}
		if in.ReadCloser, err = eventbridge.Unpack(file, name); err != nil {
			files.close()
			return nil, errors.Join(err, file.Close())
		}
		files = append(files, in)
	}
	return files, nil
}

func open(name string) (*os.File, error) {
	if name == "-" {
		return os.Stdin, nil
	}
	return os.Open(name)
}

func (fs inputs) close() {
	for _, f := range fs {
		_ = f.Close() // they were only read
	}
}

// size is that of all files in bytes, 0 if one has none: a pipe.
func (fs inputs) size() (n int64) {
	for _, f := range fs {
		info, err := f.file.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return 0
		}
		n += info.Size()
	}
	return n
}

// read implements history.
func (fs inputs) read(ctx context.Context, r *replayRun) error {
	var keeps []eventbridge.Keeper
	for _, j := range r.judges {
		keeps = append(keeps, j.keep)
	}
	size := fs.size()
	var lent lentEvents
	return decodeFiles(ctx, fs, keeps, func(b *block) error {
		r.progress.show(b.at, size)
		for i := range b.lines {
			if err := r.line(b.file, &b.lines[i]); err != nil {
				return err
			}
		}
		for i, j := range r.judges {
			if err := lent.add(j.driver, b.events[i]); err != nil {
				return err
			}
		}
		return b.err
	})
}

// lentEvents is the memory of events that wait to be judged, in order.
type lentEvents []lentEvent

// maxLent bounds it: where few lines are events, few of them take much memory.
const maxLent = 1024

type lentEvent struct {
	events *eventbridge.Events
	to     *replay.Sharded
	until  int64 // how many facts it has judged then
}

// add lends the memory of the facts that were piped last, and gives back what is not
// needed any more; if it is too much, the facts are judged first.
func (l *lentEvents) add(to *replay.Sharded, events *eventbridge.Events) error {
	*l = append(*l, lentEvent{events, to, to.Piped()})
	if len(*l) > maxLent {
		if err := to.Commit(); err != nil {
			return err
		}
	}
	*l = slices.DeleteFunc(*l, func(e lentEvent) bool {
		judged := e.until <= e.to.Judged()
		if judged {
			eventMemories.Put(e.events)
		}
		return judged
	})
	return nil
}

// offset is how much of the file has been read, 0 if nobody knows.
func (f input) offset() int64 {
	n, err := f.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	return n
}

// line judges one envelope. Each judge has its own copy: of the attributes it
// holds those that its rules keep.
func (r *replayRun) line(file string, l *line) error {
	r.summary.Lines++
	if l.unusable != nil {
		r.unusable(fmt.Sprintf("%s:%d", file, l.number), l.unusable)
		return nil
	}
	for i, j := range r.judges {
		decoded := &l.decoded[i]
		if i == 0 && !decoded.OrgKnown {
			r.summary.UnknownOrgs[decoded.Org]++
		}
		if err := j.pipe(decoded.Input, decoded.Conversation, decoded.EventTime); err != nil {
			return err
		}
	}
	return nil
}
