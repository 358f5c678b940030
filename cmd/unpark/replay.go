package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

type replayFlags struct {
	config, against, clock, until, out, report string
	events                                     []string
	topic, strict, json                        bool
}

// What moves time in a replay.
const (
	clockEvent = "event" // the facts' own times
	clockLog   = "log"   // the ticks on the topic
)

func replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay --config DIR --events FILE... | --topic",
		Short: "Judge history by the rules of a folder: what would have been told, and when",
		Long: `Reads EventBridge envelopes as they were delivered (JSON Lines, plain or gzip, - for
standard input; several files are read one after the other) and writes the escalations
that the rules of the folder lead to, one JSON record a line, in the order in which they
were decided. The clock is the events' own times. What cannot be used is counted and
reported on standard error, where a summary follows.

With --topic, history is what the cluster of the folder's unpark.yaml holds:

  --clock log    (the default) recomputes what was told, byte for byte: by the log's own
                 ticks and activations and the configurations in org-config, up to where
                 the processor's group stands (to the end, if there is no group).
                 Escalations come partition by partition, of each as decided.
  --clock event  judges the events and observations on the topic by the rules of the
                 folder, in the order in which they were appended, with their own times
                 as the clock. Attributes that the bridge dropped are not there.

--against compares with another folder, on the same history. An alert of one is the same
as one of the other if organisation, conversation, objective, kind and the start of the
wait (or of the conversation) are the same, however early or late it is told: an alert
that only moves from 4 to 3 hours counts as told by both. Weeks are those of ISO 8601 in
which it was due, in the organisation's time zone. What is told by both is shown under
the policy and queue it has in --config. Standard output and --out have the escalations
of --config only.`,
		Example: "  unpark replay --config config --events march.jsonl.gz --until 2026-04-01T00:00:00Z >escalations.jsonl\n" +
			"  unpark replay --config draft --against config --events march.jsonl.gz --out draft.jsonl --report march.html\n" +
			"  zcat *.gz | unpark replay --config draft --events - --strict\n" +
			"  unpark replay --config config --topic >told.jsonl\n" +
			"  unpark replay --config draft --topic --clock event --against config >escalations.jsonl",
		RunE: run(func(cmd *cobra.Command, args []string) error {
			f.events = append(f.events, args...)
			until, err := f.check()
			if err != nil {
				return usageError{err}
			}
			return runReplay(cmd.Context(), f, until, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	configFlag(cmd, &f.config)
	cmd.Flags().StringArrayVar(&f.events, "events", nil, "file of envelopes; may be repeated, and followed by more files")
	cmd.Flags().BoolVar(&f.topic, "topic", false, "read conversation-events of the cluster instead of files")
	cmd.Flags().StringVar(&f.clock, "clock", "", "what moves time: event, the times of the events; or log, the ticks on the topic (default log with --topic, else event)")
	cmd.Flags().StringVar(&f.until, "until", "", "let time go on to this instant after the last event (RFC 3339)")
	cmd.Flags().StringVar(&f.against, "against", "", "folder of another configuration to compare with")
	cmd.Flags().StringVar(&f.out, "out", "", "write the escalations to this file instead of standard output")
	cmd.Flags().StringVar(&f.report, "report", "", "write a page with charts to this file (HTML)")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "fail if a line or record cannot be used")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the summary as JSON")
	return cmd
}

// check fills in the clock and returns the instant of --until, 0 if there is
// none.
func (f *replayFlags) check() (until int64, err error) {
	if f.clock == "" {
		f.clock = clockEvent
		if f.topic {
			f.clock = clockLog
		}
	}
	switch {
	case f.config == "":
		return 0, errors.New("--config is missing")
	case f.topic && len(f.events) > 0:
		return 0, errors.New("--events and --topic exclude each other: history is in files or on the topic")
	case !f.topic && len(f.events) == 0:
		return 0, errors.New("--events is missing (or --topic)")
	case f.clock != clockEvent && f.clock != clockLog:
		return 0, fmt.Errorf("--clock %q: write event or log", f.clock)
	case f.clock == clockLog && !f.topic:
		return 0, errors.New("--clock log: files of envelopes have no other clock than event")
	case f.clock == clockLog && f.against != "":
		return 0, errors.New("--against compares the rules of two folders; --clock log goes by those in org-config: use --clock event")
	case f.clock == clockLog && f.until != "":
		return 0, errors.New("--until: time ends where the log does; use --clock event")
	case f.until == "":
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, f.until)
	if err != nil {
		return 0, fmt.Errorf("--until %q: write an RFC 3339 instant, such as 2026-03-02T18:00:00Z", f.until)
	}
	return t.UnixMilli(), nil
}

// history is what a replay reads. It calls the replay for every fact, in order.
type history interface {
	read(ctx context.Context, r *replayRun) error
	close()
}

// openHistory finds what is to be judged before anything is read.
func openHistory(ctx context.Context, f replayFlags) (history, error) {
	if !f.topic {
		return openAll(f.events)
	}
	c, err := openCluster(ctx, f.config)
	if err != nil {
		return nil, err
	}
	if f.clock == clockLog {
		return logHistory{c}, nil
	}
	return topicHistory{c}, nil
}
