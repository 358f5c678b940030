package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"unpark/connectors/eventbridge"
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
	return decodeFiles(ctx, fs, keeps, func(b *block) error {
		r.progress.show(b.at, size)
		for i := range b.lines {
			if err := r.line(b.file, &b.lines[i]); err != nil {
				return err
			}
		}
		return b.err
	})
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
