package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"unpark/connectors/eventbridge"
)

// linesAtOnce and bytesAtOnce bound what is decoded in one go.
const (
	linesAtOnce = 512
	bytesAtOnce = 1 << 20
)

// block is some lines of a file, and what they say to each judge.
type block struct {
	file  string
	at    int64 // how much of all files has been read
	text  []byte
	lines []line
	err   error         // what ended the file behind the lines
	done  chan struct{} // closed when the lines are decoded
}

// line is one line of a block.
type line struct {
	number     int
	begin, end int // in the block's text
	tooLong    bool
	decoded    []eventbridge.Decoded // by judge
	unusable   *eventbridge.DecodeError
}

// decodeFiles reads the files one after the other, decodes their lines on all
// cores, and calls take with every block in the order of the files, until it returns
// an error. keeps are the attributes that each judge keeps.
func decodeFiles(ctx context.Context, files inputs, keeps []keeper, take func(*block) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	ordered := make(chan *block, 2*workers)
	work := make(chan *block, 2*workers)
	go func() {
		defer close(ordered)
		defer close(work)
		files.split(func(b *block) bool {
			for _, to := range []chan *block{work, ordered} {
				select {
				case to <- b:
				case <-ctx.Done():
					return false
				}
			}
			return true
		})
	}()
	for range workers {
		go func() {
			for b := range work {
				b.decode(keeps)
			}
		}()
	}
	for {
		select {
		case b, more := <-ordered:
			if !more {
				return nil
			}
			<-b.done
			if err := take(b); err != nil {
				return err
			}
		case <-ctx.Done():
			return errors.New("interrupted")
		}
	}
}

// keeper says which attributes a judge keeps of an org's events, and whether it
// knows the org.
type keeper func(org string) (attributes []string, known bool)

// split cuts the files into blocks, until next returns false or a file cannot be
// read.
func (fs inputs) split(next func(*block) bool) {
	read := int64(0)
	for _, f := range fs {
		lines := eventbridge.NewLines(f)
		for more := true; more; {
			b := &block{file: f.name, done: make(chan struct{})}
			more = b.fill(lines)
			b.at = read + f.offset()
			if !next(b) || b.err != nil {
				return
			}
		}
		read += f.offset()
	}
}

// fill takes the next lines; more is false if there are no others.
func (b *block) fill(lines *eventbridge.Lines) (more bool) {
	for len(b.lines) < linesAtOnce && len(b.text) < bytesAtOnce {
		if !lines.Next() {
			if err := lines.Err(); err != nil {
				b.err = fmt.Errorf("%s:%d: %w", b.file, lines.Number(), err)
			}
			return false
		}
		begin := len(b.text)
		b.text = append(b.text, lines.Bytes()...)
		b.lines = append(b.lines, line{number: lines.Number(), begin: begin, end: len(b.text), tooLong: lines.TooLong()})
	}
	return true
}

func (b *block) decode(keeps []keeper) {
	defer close(b.done)
	all := make([]eventbridge.Decoded, len(b.lines)*len(keeps))
	for i := range b.lines {
		l := &b.lines[i]
		l.decoded = all[i*len(keeps) : (i+1)*len(keeps)]
		for j, keep := range keeps {
			if l.decoded[j], l.unusable = decodeLine(b.text[l.begin:l.end], l.tooLong, keep); l.unusable != nil {
				break
			}
		}
	}
}

// decodeLine decodes an envelope; one that is too long has no text.
func decodeLine(text []byte, tooLong bool, keep keeper) (eventbridge.Decoded, *eventbridge.DecodeError) {
	if tooLong {
		return eventbridge.Decoded{}, &eventbridge.DecodeError{
			Reason: eventbridge.TooLarge, Err: fmt.Errorf("a line of more than %d bytes", eventbridge.MaxEnvelope),
		}
	}
	decoded, err := eventbridge.Decode(text, keep)
	unusable, _ := errors.AsType[*eventbridge.DecodeError](err)
	return decoded, unusable
}
