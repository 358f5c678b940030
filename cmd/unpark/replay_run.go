package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"unpark/config"
	"unpark/connectors/eventbridge"
	"unpark/processor"
	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

// inputs are the files of a replay, in order.
type inputs []input

type input struct {
	name string
	io.ReadCloser
}

// openAll opens every file before the first is read: a missing one is said at
// once.
func openAll(names []string) (inputs, error) {
	var files inputs
	for _, name := range names {
		r, err := eventbridge.Open(name)
		if err != nil {
			files.close()
			return nil, err
		}
		files = append(files, input{name, r})
	}
	return files, nil
}

func (fs inputs) close() {
	for _, f := range fs {
		_ = f.Close() // they were only read
	}
}

// replayRun is one replay of files.
type replayRun struct {
	driver  *replay.Driver
	keep    func(org string) ([]string, bool)
	stderr  io.Writer
	summary replaySummary
}

// newReplay puts the folder's rules in force, as config apply would before the
// first event.
func newReplay(ctx context.Context, cfg *config.Config, out io.Writer, stderr io.Writer) (*replayRun, error) {
	rules, err := newFileRules(cfg.Orgs)
	if err != nil {
		return nil, err
	}
	r := &replayRun{keep: keepAttributes(rules), stderr: stderr, summary: newReplaySummary()}
	handler := processor.NewHandler(ctx, processor.Config{
		Rules: processor.NewRules(rules), Metrics: processor.NewMetrics(nil),
		Logger: slog.New(slog.NewTextHandler(stderr, nil)),
	})
	r.driver, err = replay.New(handler, func(o stream.Output) error { return r.emit(out, o) })
	if err != nil {
		return nil, err
	}
	for _, in := range rules.activations() {
		if err := r.driver.Apply(in); err != nil {
			return nil, errors.Join(err, r.driver.Close())
		}
	}
	return r, nil
}

// emit writes an escalation; a dead letter is counted.
func (r *replayRun) emit(out io.Writer, o stream.Output) error {
	if o.Topic.Suffix != schemas.Escalations.Suffix {
		for _, h := range o.Headers {
			if h.Key == schemas.HeaderReason {
				r.summary.Unusable[string(h.Value)]++
			}
		}
		return nil
	}
	e, err := schemas.DecodeEscalation(o.Value)
	if err != nil {
		return err
	}
	r.summary.Escalations[e.Status+" "+e.Kind]++
	_, err = fmt.Fprintf(out, "%s\n", o.Value)
	return err
}

func (r *replayRun) run(ctx context.Context, files inputs, until int64) error {
	for _, f := range files {
		lines := eventbridge.NewLines(f)
		for lines.Next() {
			if err := ctx.Err(); err != nil {
				return errors.New("interrupted")
			}
			if err := r.line(f.name, lines); err != nil {
				return fmt.Errorf("%s:%d: %w", f.name, lines.Number(), err)
			}
		}
		if err := lines.Err(); err != nil {
			return fmt.Errorf("%s:%d: %w", f.name, lines.Number(), err)
		}
	}
	if until != 0 {
		if err := r.driver.AdvanceTo(until); err != nil {
			return err
		}
	}
	return r.driver.Commit()
}

func (r *replayRun) line(file string, lines *eventbridge.Lines) error {
	r.summary.Lines++
	decoded, err := r.decode(lines)
	if unusable, ok := errors.AsType[*eventbridge.DecodeError](err); ok {
		r.unusable(file, lines.Number(), unusable)
		return nil
	}
	if err != nil {
		return err
	}
	if !decoded.OrgKnown {
		r.summary.UnknownOrgs[decoded.Org]++
	}
	return r.driver.Pipe(decoded.Input, decoded.EventTime)
}

func (r *replayRun) decode(lines *eventbridge.Lines) (eventbridge.Decoded, error) {
	if lines.TooLong() {
		return eventbridge.Decoded{}, &eventbridge.DecodeError{
			Reason: eventbridge.TooLarge, Err: fmt.Errorf("a line of more than %d bytes", eventbridge.MaxEnvelope),
		}
	}
	return eventbridge.Decode(lines.Bytes(), r.keep)
}

// maxReported bounds how many unusable lines are reported one by one.
const maxReported = 10

func (r *replayRun) unusable(file string, line int, err *eventbridge.DecodeError) {
	r.summary.Unusable[string(err.Reason)]++
	if n := total(r.summary.Unusable); n <= maxReported {
		_, _ = fmt.Fprintf(r.stderr, "%s:%d: cannot be used: %v\n", file, line, err)
	} else if n == maxReported+1 {
		_, _ = fmt.Fprintln(r.stderr, "further lines that cannot be used are only counted")
	}
}
