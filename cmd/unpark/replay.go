package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"unpark/config"
	"unpark/connectors/eventbridge"
	"unpark/processor"
	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

type replayFlags struct {
	config, clock, until, out string
	events                    []string
	strict, json              bool
}

func replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay --config DIR --events FILE...",
		Short: "Judge history by the rules of a folder: what would have been told, and when",
		Long: `Reads EventBridge envelopes as they were delivered (JSON Lines, plain or gzip, - for
standard input; several files are read one after the other) and writes the escalations
that the rules of the folder lead to, one JSON record a line, in the order in which they
were decided. The clock is the events' own times. What cannot be used is counted and
reported on standard error, where a summary follows.`,
		Example: "  unpark replay --config config --events march.jsonl.gz --until 2026-04-01T00:00:00Z >escalations.jsonl\n" +
			"  zcat *.gz | unpark replay --config draft --events - --strict",
		RunE: run(func(cmd *cobra.Command, args []string) error {
			f.events = append(f.events, args...)
			until, err := f.check()
			if err != nil {
				return usageError{err}
			}
			return runReplay(cmd.Context(), f, until, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	cmd.Flags().StringVar(&f.config, "config", "", "folder of the configuration")
	cmd.Flags().StringArrayVar(&f.events, "events", nil, "file of envelopes; may be repeated, and followed by more files")
	cmd.Flags().StringVar(&f.clock, "clock", "event", "what moves time: event, the times of the events")
	cmd.Flags().StringVar(&f.until, "until", "", "let time go on to this instant after the last event (RFC 3339)")
	cmd.Flags().StringVar(&f.out, "out", "", "write the escalations to this file instead of standard output")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "fail if a line cannot be used")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the summary as JSON")
	return cmd
}

// check returns the instant of --until, 0 if there is none.
func (f *replayFlags) check() (until int64, err error) {
	switch {
	case f.config == "":
		return 0, errors.New("--config is missing")
	case len(f.events) == 0:
		return 0, errors.New("--events is missing")
	case f.clock != "event":
		return 0, fmt.Errorf("--clock %s: files have the clock event", f.clock)
	case f.until == "":
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, f.until)
	if err != nil {
		return 0, fmt.Errorf("--until %q is no RFC 3339 instant, such as 2026-03-02T18:00:00Z", f.until)
	}
	return t.UnixMilli(), nil
}

func runReplay(ctx context.Context, f replayFlags, until int64, stdout, stderr io.Writer) (err error) {
	cfg, problems := config.Load(f.config)
	if err := problems.Err(config.AboutRoutes, config.AboutGenesys, config.AboutFuture, config.AboutProcess); err != nil {
		return err
	}
	files, err := openAll(f.events)
	if err != nil {
		return err
	}
	defer files.close()
	if f.out != "" {
		file, err := os.Create(f.out)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		stdout = file
	}
	out := bufio.NewWriter(stdout)
	r, err := newReplay(ctx, cfg, out, stderr)
	if err != nil {
		return err
	}
	defer r.driver.Close()
	if err := r.run(ctx, files, until); err != nil {
		return errors.Join(err, out.Flush())
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if err := r.summary.print(stderr, f.json); err != nil {
		return err
	}
	if n := total(r.summary.Unusable); f.strict && n > 0 {
		return fmt.Errorf("%d lines cannot be used", n)
	}
	return nil
}

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

// emit writes an escalation; a dead letter is reported.
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
	var decoded eventbridge.Decoded
	err := error(&eventbridge.DecodeError{Reason: eventbridge.TooLarge, Err: fmt.Errorf("a line of more than %d bytes", eventbridge.MaxEnvelope)})
	if !lines.TooLong() {
		decoded, err = eventbridge.Decode(lines.Bytes(), r.keep)
	}
	var unusable *eventbridge.DecodeError
	if errors.As(err, &unusable) {
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

// fileRules are the rules of a configuration folder.
type fileRules struct {
	orgs map[string]fileOrg
}

type fileOrg struct {
	json    []byte
	version string
}

func newFileRules(orgs []config.Org) (fileRules, error) {
	rules := fileRules{orgs: make(map[string]fileOrg)}
	for _, o := range orgs {
		data, version, err := o.JSON()
		if err != nil {
			return fileRules{}, err
		}
		rules.orgs[o.ID] = fileOrg{data, version}
	}
	return rules, nil
}

// Rules implements processor.Configs.
func (r fileRules) Rules(_ context.Context, org, version string) ([]byte, bool, error) {
	o, ok := r.orgs[org]
	return o.json, ok && o.version == version, nil
}

// NewestRules implements newestRules.
func (r fileRules) NewestRules(org string) ([]byte, string, bool) {
	o, ok := r.orgs[org]
	return o.json, o.version, ok
}

func (r fileRules) activations() []*schemas.InputRecord {
	var ins []*schemas.InputRecord
	ids := make([]string, 0, len(r.orgs))
	for id := range r.orgs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		ins = append(ins, &schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: &schemas.ConfigActivated{
			OrgId: id, Part: schemas.PartRules, Version: r.orgs[id].version,
		}}})
	}
	return ins
}

// replaySummary counts what a replay read and decided.
type replaySummary struct {
	Lines       int            `json:"lines"`
	Unusable    map[string]int `json:"unusable"`
	UnknownOrgs map[string]int `json:"unknownOrgs"`
	Escalations map[string]int `json:"escalations"`
}

func newReplaySummary() replaySummary {
	return replaySummary{Unusable: map[string]int{}, UnknownOrgs: map[string]int{}, Escalations: map[string]int{}}
}

func (s replaySummary) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(s)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(n int, what string) { _, _ = fmt.Fprintf(t, "%d\t %s\n", n, what) }
	row(s.Lines, "lines read")
	for _, reason := range sortedKeys(s.Unusable) {
		row(s.Unusable[reason], "cannot be used: "+reason)
	}
	for _, org := range sortedKeys(s.UnknownOrgs) {
		row(s.UnknownOrgs[org], "ignored: no file for org "+org)
	}
	row(total(s.Escalations), "escalations")
	for _, kind := range sortedKeys(s.Escalations) {
		row(s.Escalations[kind], "  "+kind)
	}
	return t.Flush()
}
