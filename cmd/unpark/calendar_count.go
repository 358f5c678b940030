package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"unpark/processor/calendar"
)

func calendarAddCommand() *cobra.Command {
	var f calendarFlags
	cmd := &cobra.Command{
		Use:   "add --config DIR --org ORG CALENDAR START DURATION",
		Short: "Say when a budget of open time runs out",
		Long: `Prints the earliest instant at which so much open time has passed since START: when a
tier of that length falls due. START is RFC 3339, or a local time in the calendar's zone.`,
		Example: "  unpark calendar add --config config --org acme office 2026-03-06T16:45 3h30m",
		Args:    cobra.ExactArgs(3),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			budget, err := time.ParseDuration(args[2])
			if err != nil || budget < 0 {
				return usageError{fmt.Errorf("%q is no duration; write it like 3h30m", args[2])}
			}
			c, err := f.open(cmd, args[0])
			if err != nil {
				return err
			}
			start, err := calendar.ParseInstant(args[1], c.zone)
			if err != nil {
				return usageError{err}
			}
			return c.add(cmd, start, budget, f.json)
		}),
	}
	f.add(cmd)
	return cmd
}

func (c *namedCalendar) add(cmd *cobra.Command, start int64, budget time.Duration, asJSON bool) error {
	due, ok := c.Add(start, budget.Milliseconds())
	if !ok {
		return errors.New("never: the calendar does not open for five years, or not until 2109")
	}
	at := time.UnixMilli(due).In(c.zone)
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{
			"result": at.UTC().Format(time.RFC3339), "local": at.Format(time.RFC3339), "timezone": c.zone.String(),
		})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s (%s)\n", clockTime(at), at.UTC().Format(time.RFC3339))
	return err
}

func calendarElapsedCommand() *cobra.Command {
	var f calendarFlags
	cmd := &cobra.Command{
		Use:   "elapsed --config DIR --org ORG CALENDAR START END",
		Short: "Say how much open time lies between two instants",
		Long: `Prints the open time in [START, END). Both are RFC 3339, or local times in the calendar's
zone.`,
		Example: "  unpark calendar elapsed --config config --org acme office 2026-03-06T16:45 2026-03-09T12:15",
		Args:    cobra.ExactArgs(3),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := f.open(cmd, args[0])
			if err != nil {
				return err
			}
			start, err1 := calendar.ParseInstant(args[1], c.zone)
			end, err2 := calendar.ParseInstant(args[2], c.zone)
			if err := errors.Join(err1, err2); err != nil {
				return usageError{err}
			}
			if end < start {
				return usageError{fmt.Errorf("%s lies before %s", args[2], args[1])}
			}
			counted := time.Duration(c.Elapsed(start, end)) * time.Millisecond
			if f.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"seconds": int64(counted.Seconds())})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s of %s\n", short(counted), short(time.Duration(end-start)*time.Millisecond))
			return err
		}),
	}
	f.add(cmd)
	return cmd
}
