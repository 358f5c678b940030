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

// checkEvery is after how many lines a replay looks at how far it has come.
const checkEvery = 1000

// read implements history.
func (fs inputs) read(ctx context.Context, r *replayRun) error {
	size, done := fs.size(), int64(0)
	for _, f := range fs {
		lines := eventbridge.NewLines(f)
		for lines.Next() {
			if r.summary.Lines%checkEvery == 0 {
				if ctx.Err() != nil {
					return errors.New("interrupted")
				}
				r.progress.show(done+f.offset(), size)
			}
			if err := r.line(f.name, lines); err != nil {
				return fmt.Errorf("%s:%d: %w", f.name, lines.Number(), err)
			}
		}
		if err := lines.Err(); err != nil {
			return fmt.Errorf("%s:%d: %w", f.name, lines.Number(), err)
		}
		done += f.offset()
	}
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
func (r *replayRun) line(file string, lines *eventbridge.Lines) error {
	r.summary.Lines++
	for i, j := range r.judges {
		decoded, err := decodeLine(lines, j.keep)
		if unusable, ok := errors.AsType[*eventbridge.DecodeError](err); ok {
			r.unusable(fmt.Sprintf("%s:%d", file, lines.Number()), unusable)
			return nil
		}
		if err != nil {
			return err
		}
		if i == 0 && !decoded.OrgKnown {
			r.summary.UnknownOrgs[decoded.Org]++
		}
		if err := j.pipe(decoded.Input, decoded.EventTime); err != nil {
			return err
		}
	}
	return nil
}

func decodeLine(lines *eventbridge.Lines, keep func(org string) ([]string, bool)) (eventbridge.Decoded, error) {
	if lines.TooLong() {
		return eventbridge.Decoded{}, &eventbridge.DecodeError{
			Reason: eventbridge.TooLarge, Err: fmt.Errorf("a line of more than %d bytes", eventbridge.MaxEnvelope),
		}
	}
	return eventbridge.Decode(lines.Bytes(), keep)
}
