package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"unpark/config"
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
		return 0, fmt.Errorf("--clock %s: files of envelopes have no other clock than event", f.clock)
	case f.until == "":
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, f.until)
	if err != nil {
		return 0, fmt.Errorf("--until %q: write an RFC 3339 instant, such as 2026-03-02T18:00:00Z", f.until)
	}
	return t.UnixMilli(), nil
}

// runReplay opens what is to be read and written, and replays.
func runReplay(ctx context.Context, f replayFlags, until int64, stdout, stderr io.Writer) (err error) {
	cfg, problems := config.Load(f.config)
	// Nobody is told or asked, and no broker is there.
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
	summary, err := replayFiles(ctx, cfg, files, until, stdout, stderr)
	if err != nil {
		return err
	}
	if err := summary.print(stderr, f.json); err != nil {
		return err
	}
	if n := total(summary.Unusable); f.strict && n > 0 {
		return fmt.Errorf("%s cannot be used", count(n, "line"))
	}
	return nil
}

// replayFiles writes the escalations that the files lead to.
func replayFiles(ctx context.Context, cfg *config.Config, files inputs, until int64, stdout, stderr io.Writer) (replaySummary, error) {
	out := bufio.NewWriter(stdout)
	r, err := newReplay(ctx, cfg, out, stderr)
	if err != nil {
		return replaySummary{}, err
	}
	err = r.run(ctx, files, until)
	return r.summary, errors.Join(err, out.Flush(), r.driver.Close())
}
