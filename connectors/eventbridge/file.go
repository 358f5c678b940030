package eventbridge

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"unpark/schemas"
)

// maxInFlight bounds how many envelopes of a file or feed wait for Kafka.
const maxInFlight = 1000

// file is a source of lines.
type file struct {
	config   File
	progress *fileProgress
	slots    slots // one taken for each line in flight
	open     atomic.Bool

	refused  map[Reason]int
	produced atomic.Int64
}

func newFile(c File) *file {
	return &file{config: c, progress: newFileProgress(), slots: make(slots, maxInFlight), refused: make(map[Reason]int)}
}

func (f *file) name() string { return f.config.name() }

func (f *file) ready() error {
	if !f.open.Load() {
		return errors.New("not opened yet")
	}
	return nil
}

func (f *file) readUpTo(now int64) (int64, bool) { return f.progress.readUpTo(now) }

// run stays after the end of the file: other parts of the process go on, and
// hear that there is nothing more to come.
func (f *file) run(stop, work context.Context, to *sink) error {
	// Nothing ends a read of standard input, and opening it reads its first bytes: so
	// neither is waited for.
	unopened, read := make(chan error, 1), make(chan error, 1)
	go func() {
		r, err := Open(f.config.Path)
		if err != nil {
			unopened <- err
			return
		}
		f.open.Store(true)
		err = f.read(stop, work, to, NewLines(r))
		read <- errors.Join(err, r.Close())
	}()
	select {
	case <-stop.Done():
		f.slots.drain(work)
		return nil
	case err := <-unopened:
		return err
	case err := <-read:
		f.slots.drain(work)
		f.say(to.log.Logger, err)
	}
	<-stop.Done()
	return nil
}

func (f *file) read(stop, work context.Context, to *sink, lines *Lines) error {
	for stop.Err() == nil && lines.Next() {
		d, why := f.decode(to, lines)
		if why != nil {
			f.refused[why.Reason]++
			to.countUndecodable(f.name(), why)
			to.log.say(slog.LevelWarn, f.name(), "a line cannot be used", schemas.LogLine, lines.Number(), schemas.LogReason, why.Reason)
			continue
		}
		if !f.slots.take(stop) {
			return nil
		}
		f.produce(work, to, d)
	}
	return lines.Err()
}

func (f *file) decode(to *sink, lines *Lines) (Decoded, *DecodeError) {
	if lines.TooLong() {
		to.metrics.received.WithLabelValues(f.name()).Inc()
		return Decoded{}, &DecodeError{Reason: TooLarge, Err: errors.New("over 256 KiB")}
	}
	d, err := to.decode(f.name(), lines.Bytes())
	why, _ := errors.AsType[*DecodeError](err)
	return d, why
}

func (f *file) produce(work context.Context, to *sink, d Decoded) {
	gauge := to.metrics.inFlight.WithLabelValues(f.name())
	gauge.Inc()
	f.progress.begin(d.EventTime)
	to.produce(work, f.name(), d, func(err error) {
		switch {
		case err == nil:
			f.progress.acknowledged(d.EventTime)
			f.produced.Add(1)
		case refused(err):
			f.progress.refused(d.EventTime)
			to.countUndecodable(f.name(), tooLargeForKafka(err))
		}
		gauge.Dec()
		f.slots.give()
	})
}

// say tells what the file held. Progress stays where it is after an error: what
// follows in the file was never seen.
func (f *file) say(log *slog.Logger, err error) {
	log = log.With(schemas.LogSource, f.name(), schemas.LogFile, f.config.Path)
	for reason, count := range f.refused {
		log.Warn("lines that cannot be used", schemas.LogReason, reason, schemas.LogCount, count)
	}
	if err != nil {
		log.Error("the file could not be read to its end", schemas.LogCount, f.produced.Load(), schemas.LogError, err)
		return
	}
	f.progress.end()
	log.Info("the file was read; records produced", schemas.LogCount, f.produced.Load())
}
