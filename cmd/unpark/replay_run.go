package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"unpark/config"
	"unpark/connectors/eventbridge"
)

// replayRun is one replay: a history, and who judges it.
type replayRun struct {
	stderr   io.Writer
	progress *progress
	draft    *side
	against  *side // nil without --against
	judges   []*judge
	summary  replaySummary
}

// runReplay opens what is to be read and written, and replays.
func runReplay(ctx context.Context, f replayFlags, until int64, stdout, stderr io.Writer) (err error) {
	defer collectGarbageAt(replayGCPercent)()
	r := &replayRun{summary: newReplaySummary(f.topic), progress: newProgress(stderr, !f.json && isTerminal(stderr))}
	r.stderr = r.progress
	if err := r.openSides(ctx, f); err != nil {
		return err
	}
	from, err := openHistory(ctx, f)
	if err != nil {
		return err
	}
	defer from.close()
	if f.out != "" {
		file, err := os.Create(f.out)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		stdout = file
	}
	page, err := createReport(f.report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, page.close()) }()

	out := bufio.NewWriter(stdout)
	r.draft.out = out
	err = r.replay(ctx, from, until)
	// What was told before an error is written; one of writing comes back from Flush.
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	if err != nil {
		return err
	}
	r.finish()
	if err := page.write(r); err != nil {
		return err
	}
	if err := r.summary.print(stderr, f.json); err != nil {
		return err
	}
	if n := total(r.summary.Unusable); f.strict && n > 0 {
		return fmt.Errorf("%s cannot be used", count(n, r.summary.unit()))
	}
	return nil
}

// openSides loads the folders and starts their judges; the log has its own.
func (r *replayRun) openSides(ctx context.Context, f replayFlags) error {
	keep := f.against != "" || f.report != ""
	if f.clock == clockLog {
		zones, err := zonesOf(f.config)
		r.draft = newSide("the log", zones, keep)
		return err
	}
	open := func(dir string) (*side, error) {
		cfg, err := loadRules(ctx, dir)
		if err != nil {
			return nil, err
		}
		sayAlways(r.stderr, dir, cfg.Orgs)
		s := newSide(dir, zones(cfg.Orgs), keep)
		j, err := newJudge(ctx, cfg.Orgs, s, r.stderr)
		if err == nil {
			r.judges = append(r.judges, j)
		}
		return s, err
	}
	var err error
	if r.draft, err = open(f.config); err == nil && f.against != "" {
		r.against, err = open(f.against)
	}
	return err
}

// sayAlways tells which calendars of a folder count as always: the content of
// schedule groups is not in files.
func sayAlways(w io.Writer, dir string, orgs []config.Org) {
	for _, o := range orgs {
		for _, name := range sortedKeys(o.Calendars) {
			if o.Calendars[name].Synced() {
				_, _ = fmt.Fprintf(w, "%s: calendar %s of %s counts as always: a folder does not have the content of schedule_group_id; write its hours there to replay by them\n",
					dir, name, o.Name)
			}
		}
	}
}

// replay judges the history, and lets time go on to until.
func (r *replayRun) replay(ctx context.Context, from history, until int64) error {
	err := from.read(ctx, r)
	r.progress.end()
	for _, j := range r.judges {
		if err == nil {
			err = j.end(until)
		}
	}
	return err
}

// finish completes the summary.
func (r *replayRun) finish() {
	s := &r.summary
	s.Escalations, s.Raised = r.draft.escalations, r.draft.raisedCounts()
	for reason, n := range r.draft.deadLetters {
		s.Unusable[reason] += n
	}
	if r.against != nil {
		c := compare(r.draft, r.against)
		s.Against = &c
	}
}

// maxReported bounds how many unusable lines or records are reported one by one.
const maxReported = 10

// unusable counts what cannot be used, and says where the first ones are.
func (r *replayRun) unusable(where string, err *eventbridge.DecodeError) {
	r.summary.Unusable[string(err.Reason)]++
	if n := total(r.summary.Unusable); n <= maxReported {
		_, _ = fmt.Fprintf(r.stderr, "%s: cannot be used: %v\n", where, err)
	} else if n == maxReported+1 {
		_, _ = fmt.Fprintf(r.stderr, "further %ss that cannot be used are only counted\n", r.summary.unit())
	}
}
