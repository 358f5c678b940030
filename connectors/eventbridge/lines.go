package eventbridge

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

var gzipMagic = []byte{0x1f, 0x8b}

// Open opens a file of JSON Lines; "-" is standard input. What is compressed with
// gzip, by its first bytes, is unpacked; a name ending in .gz promises that it is.
// Standard input is never closed, and its first bytes are waited for.
func Open(path string) (io.ReadCloser, error) {
	if path == "-" {
		return Unpack(io.NopCloser(os.Stdin), path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := Unpack(f, path)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// Unpack is Open of what the caller has opened as path. Closing what it returns
// closes r.
func Unpack(r io.ReadCloser, path string) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(r, 0) // the smallest: who reads on has a buffer
	magic, err := buffered.Peek(len(gzipMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if !bytes.Equal(magic, gzipMagic) {
		if strings.HasSuffix(path, ".gz") {
			return nil, fmt.Errorf("read %s: named .gz but not compressed with gzip", path)
		}
		return readCloser{buffered, r}, nil
	}
	unpacked, err := gzip.NewReader(bufio.NewReaderSize(buffered, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return readCloser{unpacked, r}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// Lines reads JSON Lines without ever holding more than one line. Blank lines are
// passed over, the last line needs no newline, and a line of more than
// MaxEnvelope bytes is reported without its content. Not for concurrent use.
type Lines struct {
	r       *bufio.Reader
	line    []byte // in r's memory, or in parts
	parts   []byte // of a line that r has no room for
	number  int
	tooLong bool
	err     error
}

// NewLines returns a reader of the lines of r.
func NewLines(r io.Reader) *Lines {
	return &Lines{r: bufio.NewReaderSize(r, 64<<10)}
}

// Next moves to the next line; false at the end or on an error, see Err.
func (l *Lines) Next() bool {
	for l.err == nil {
		l.read()
		if l.tooLong || len(bytes.TrimSpace(l.line)) > 0 {
			return true
		}
	}
	return false
}

// read takes one line, leaving out what is beyond the limit.
func (l *Lines) read() {
	l.parts, l.tooLong = l.parts[:0], false
	l.number++
	part, err := l.r.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		l.add(part)
		part, err = l.r.ReadSlice('\n')
	}
	l.err = err
	part = bytes.TrimRight(part, "\r\n")
	if len(l.parts) > 0 || l.tooLong {
		l.add(part)
		part = bytes.TrimRight(l.parts, "\r")
	}
	l.line = part
}

func (l *Lines) add(part []byte) {
	if l.tooLong = l.tooLong || len(l.parts)+len(part) > MaxEnvelope; l.tooLong {
		return
	}
	l.parts = append(l.parts, part...)
}

// Bytes returns the line without its end, valid until Next; empty if it is too
// long.
func (l *Lines) Bytes() []byte {
	if l.tooLong {
		return nil
	}
	return l.line
}

// Number returns the line's number, from 1.
func (l *Lines) Number() int { return l.number }

// TooLong says that the line has more than MaxEnvelope bytes.
func (l *Lines) TooLong() bool { return l.tooLong }

// Err returns what ended the lines, nil at the end of the input.
func (l *Lines) Err() error {
	if errors.Is(l.err, io.EOF) && !errors.Is(l.err, io.ErrUnexpectedEOF) {
		return nil
	}
	if errors.Is(l.err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("line %d: the compressed data ends in the middle; the file was cut or is still being written: %w", l.number, l.err)
	}
	if l.err != nil {
		return fmt.Errorf("line %d: %w", l.number, l.err)
	}
	return nil
}
