package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"unpark/connectors/eventbridge"
)

// linesAtOnce and bytesAtOnce bound what is decoded in one go.
const (
	linesAtOnce = 128
	bytesAtOnce = 1 << 20
)

// block is some lines of a file, and what they say to each judge. Its memory is used
// again for later lines.
type block struct {
	file    string
	at      int64 // how much of all files has been read
	text    []byte
	lines   []line
	decoded []eventbridge.Decoded // of all lines
	events  []*eventbridge.Events // memory of what is decoded, by judge
	err     error                 // what ended the file behind the lines
	done    chan struct{}         // gets a value when the lines are decoded
}

var blocks = sync.Pool{New: func() any { return &block{done: make(chan struct{}, 1)} }}

// eventMemories has the memory of what is judged.
var eventMemories = sync.Pool{New: func() any { return eventbridge.NewEvents(linesAtOnce) }}

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
// an error. keeps are the attributes that each judge keeps. The memory of a block's
// events is take's, to be given back to eventMemories.
func decodeFiles(ctx context.Context, files inputs, keeps []eventbridge.Keeper, take func(*block) error) error {
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
			decoders := make([]*eventbridge.Decoder, len(keeps))
			for i, keep := range keeps {
				decoders[i] = eventbridge.NewDecoder(keep)
			}
			for b := range work {
				b.decode(decoders)
				b.done <- struct{}{}
			}
		}()
	}
	for {
		select {
		case b, more := <-ordered:
			if !more && ctx.Err() != nil {
				return errors.New("interrupted") // the files were not read to their end
			}
			if !more {
				return nil
			}
			<-b.done
			if err := take(b); err != nil {
				return err
			}
			blocks.Put(b)
		case <-ctx.Done():
			return errors.New("interrupted")
		}
	}
}

// split cuts the files into blocks, until next returns false or a file cannot be
// read.
func (fs inputs) split(next func(*block) bool) {
	read := int64(0)
	for _, f := range fs {
		lines := eventbridge.NewLines(f)
		for more := true; more; {
			b := blocks.Get().(*block)
			b.file, b.err, b.text, b.lines = f.name, nil, b.text[:0], b.lines[:0]
			more = b.fill(lines)
			b.at = read + f.offset()
			failed := b.err != nil
			if !next(b) || failed { // by now the block is somebody else's
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

func (b *block) decode(decoders []*eventbridge.Decoder) {
	n := len(decoders)
	b.events = nil
	for _, d := range decoders {
		events := eventMemories.Get().(*eventbridge.Events)
		b.events = append(b.events, events)
		d.Use(events)
	}
	b.decoded = slices.Grow(b.decoded[:0], len(b.lines)*n)[:len(b.lines)*n]
	for i := range b.lines {
		l := &b.lines[i]
		l.decoded = b.decoded[i*n : (i+1)*n]
		for j, d := range decoders {
			if l.decoded[j], l.unusable = decodeLine(d, b.text[l.begin:l.end], l.tooLong); l.unusable != nil {
				break
			}
		}
	}
}

// decodeLine decodes an envelope; one that is too long has no text.
func decodeLine(d *eventbridge.Decoder, text []byte, tooLong bool) (eventbridge.Decoded, *eventbridge.DecodeError) {
	if tooLong {
		return eventbridge.Decoded{}, &eventbridge.DecodeError{
			Reason: eventbridge.TooLarge, Err: fmt.Errorf("a line of more than %d bytes", eventbridge.MaxEnvelope),
		}
	}
	decoded, err := d.Decode(text)
	if err == nil {
		return decoded, nil
	}
	unusable, _ := errors.AsType[*eventbridge.DecodeError](err)
	return decoded, unusable
}
