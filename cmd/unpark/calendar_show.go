package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unpark/clock"
	"unpark/processor/calendar"
)

// maxWeeks bounds what `calendar show` draws.
const maxWeeks = 520

func calendarShowCommand() *cobra.Command {
	var f calendarFlags
	var from string
	var weeks int
	cmd := &cobra.Command{
		Use:   "show --config DIR --org ORG CALENDAR",
		Short: "Draw the weeks of a calendar: open hours, holidays, days on which clocks change",
		Long: `Draws one line a day in the calendar's zone, from the Monday of the week of --from (today),
two cells an hour:
  █ open    ▒ open for a part of it    . closed    h holiday    (blank) skipped by the clocks
and behind them the day's open time.`,
		Example: "  unpark calendar show --config config --org acme office\n" +
			"  unpark calendar show --config config --org acme office --from 2026-12-21 --weeks 2",
		Args: cobra.ExactArgs(1),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			if weeks < 1 || weeks > maxWeeks {
				return usageError{fmt.Errorf("--weeks %d: write 1 to %d", weeks, maxWeeks)}
			}
			c, err := f.open(cmd, args[0])
			if err != nil {
				return err
			}
			day := clock.Real().Now().In(c.zone)
			if from != "" {
				if day, err = time.ParseInLocation(time.DateOnly, from, c.zone); err != nil {
					return usageError{fmt.Errorf("--from %q is no date; write it like 2026-03-02", from)}
				}
			}
			return c.show(cmd, day, weeks, f.json)
		}),
	}
	f.add(cmd)
	cmd.Flags().StringVar(&from, "from", "", "a date of the first week (default today)")
	cmd.Flags().IntVar(&weeks, "weeks", 2, "how many weeks")
	return cmd
}

func (c *namedCalendar) show(cmd *cobra.Command, day time.Time, weeks int, asJSON bool) error {
	out := bufio.NewWriter(cmd.OutOrStdout())
	monday := day.Day() - (int(day.Weekday())+6)%7
	if !asJSON {
		_, _ = fmt.Fprintf(out, "%s of %s, %s, %d\n", c.name, c.org, c.zone, time.Date(day.Year(), day.Month(), monday, 12, 0, 0, 0, c.zone).Year())
	}
	for i := range 7 * weeks {
		d := c.Day(time.Date(day.Year(), day.Month(), monday+i, 12, 0, 0, 0, c.zone))
		if asJSON {
			if err := json.NewEncoder(out).Encode(dayJSON(d, c.zone)); err != nil {
				return err
			}
			continue
		}
		if i%7 == 0 {
			_, _ = fmt.Fprintf(out, "%12s%s\n", "", "00    03    06    09    12    15    18    21")
		}
		_, _ = fmt.Fprintln(out, strings.TrimRight(drawDay(d), " "))
	}
	return out.Flush()
}

// drawDay is a day as a line.
func drawDay(d calendar.Day) string {
	var line strings.Builder
	line.WriteString(d.Start.Format("Mon 02 Jan  "))
	var open, holiday time.Duration
	for _, cell := range d.Cells {
		open += cell.Open
		holiday += cell.Holiday
		switch {
		case cell.Length == 0:
			line.WriteRune(' ')
		case cell.Open == cell.Length:
			line.WriteRune('█')
		case cell.Open > 0:
			line.WriteRune('▒')
		case cell.Holiday > 0:
			line.WriteRune('h')
		default:
			line.WriteRune('.')
		}
	}
	var notes []string
	if open > 0 {
		notes = append(notes, short(open))
	}
	if holiday > 0 {
		notes = append(notes, "holiday")
	}
	switch length := d.End.Sub(d.Start); {
	case length < 24*time.Hour:
		notes = append(notes, "clocks go forward, a day of "+short(length))
	case length > 24*time.Hour:
		notes = append(notes, "clocks go back, a day of "+short(length))
	}
	return line.String() + "  " + strings.Join(notes, ", ")
}

type openHours struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// dayJSON is a day for a program: open stretches in the calendar's zone.
func dayJSON(d calendar.Day, zone *time.Location) map[string]any {
	open, seconds, holiday := []openHours{}, int64(0), false
	for _, i := range d.Intervals {
		switch i.State {
		case calendar.Open:
			seconds += (i.To - i.From) / 1000
			open = append(open, openHours{
				time.UnixMilli(i.From).In(zone).Format(time.RFC3339), time.UnixMilli(i.To).In(zone).Format(time.RFC3339),
			})
		case calendar.Holiday:
			holiday = true
		}
	}
	return map[string]any{
		"date": d.Start.Format(time.DateOnly), "open": open, "openSeconds": seconds, "holiday": holiday,
		"daySeconds": int64(d.End.Sub(d.Start).Seconds()),
	}
}
