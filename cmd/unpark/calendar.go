package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"unpark/processor/calendar"
)

// maxEvalLine bounds a question to `calendar eval`.
const maxEvalLine = 16 << 20

func calendarCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "calendar",
		Short: "Business time: when budgets run out, how much time counted",
		Example: "  unpark calendar show --config config --org acme office\n" +
			"  unpark calendar add --config config --org acme office 2026-03-06T16:45 3h30m\n" +
			"  unpark calendar eval <questions.jsonl",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(calendarShowCommand(), calendarAddCommand(), calendarElapsedCommand(), calendarEvalCommand())
	return cmd
}

func calendarEvalCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "eval",
		Short: "Answer questions about calendars, one JSON object a line, for scripts",
		Long: `Reads one JSON object a line from standard input and writes one answer a line, in order:
  {"calendar": {...}, "op": "add", "start": RFC3339, "seconds": N}          -> {"result": RFC3339}
  {"calendar": {...}, "op": "elapsed", "start": RFC3339, "end": RFC3339}    -> {"seconds": N}
  {"op": "occurrences", "timezone": Z, "dtstart": local, "rrule": R, "limit": N} -> {"occurrences": [local...], "utc": [...]}
and {"error": "..."} for a line that cannot be answered. The calendar is written as in an org file.`,
		Example: `  echo '{"calendar":{"timezone":"UTC","weekly":{"mon":["09:00-17:00"]}},"op":"add","start":"2026-03-02T16:00:00Z","seconds":7200}' | unpark calendar eval`,
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			return evalCalendars(cmd.InOrStdin(), cmd.OutOrStdout())
		}),
	}
}

func evalCalendars(in io.Reader, out io.Writer) error {
	w := bufio.NewWriter(out)
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxEvalLine)
	for lines.Scan() {
		if _, err := fmt.Fprintf(w, "%s\n", calendar.Eval(lines.Bytes())); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return errors.Join(fmt.Errorf("read questions: %w", err), w.Flush())
	}
	return w.Flush()
}
