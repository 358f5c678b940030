package calendar

import (
	"fmt"
	"time"
)

// Zone is the name of the zone in which the calendar's wall times are read,
// empty if it has none.
func (cfg Config) Zone() string {
	if cfg.ScheduleGroup != nil {
		return cfg.ScheduleGroup.TimeZone
	}
	return cfg.Timezone
}

// Location loads an IANA zone by its name.
func Location(zone string) (*time.Location, error) { return loadZone(zone) }

// ParseInstant reads an instant as people write it: RFC 3339, or a local time of
// the zone (2026-03-06T16:45), by the rules for wall times that happen twice or
// not at all (SLA.md section 4).
func ParseInstant(text string, loc *time.Location) (int64, error) {
	at, err := time.Parse(time.RFC3339, text)
	ms := at.UnixMilli()
	if err != nil {
		wall, err := parseLocal(text)
		if err != nil {
			return 0, fmt.Errorf("%q is no time: write 2026-03-06T16:45, or with an offset 2026-03-06T16:45:00Z", text)
		}
		ms = newWallClock(loc, wall-reach, wall+reach).instant(wall)
	}
	if ms != clampInstant(ms) {
		return 0, fmt.Errorf("%s lies outside 1970 to 2109", text)
	}
	return ms, nil
}

// Day is one local date of a calendar.
type Day struct {
	// Start is the first instant of the date, End that of the next date.
	Start, End time.Time
	// Intervals cut the day by state.
	Intervals []Interval
	Cells     [CellsPerDay]Cell
}

// CellsPerDay cuts a day's wall time into half hours.
const CellsPerDay = 48

// Cell is what a calendar says of a half hour of wall time. One that a change of
// the clocks skips has a Length of 0, one that happens twice is longer.
type Cell struct {
	Length, Open, Holiday time.Duration
}

// cellStep divides every offset that a zone has today.
const cellStep = 15 * time.Minute

// Day lays out the local date of at, in its location.
func (c *Calendar) Day(at time.Time) Day {
	year, month, day := at.Date()
	d := Day{Start: firstOf(year, month, day, at.Location()), End: firstOf(year, month, day+1, at.Location())}
	d.Intervals = c.Intervals(d.Start.UnixMilli(), d.End.UnixMilli())
	for from := d.Start; from.Before(d.End); from = from.Add(cellStep) {
		to := from.Add(cellStep)
		cell := &d.Cells[(from.Hour()*60+from.Minute())/30]
		cell.Length += cellStep
		for _, i := range d.Intervals {
			length := time.Duration(max(0, min(i.To, to.UnixMilli())-max(i.From, from.UnixMilli()))) * time.Millisecond
			switch i.State {
			case Open:
				cell.Open += length
			case Holiday:
				cell.Holiday += length
			}
		}
	}
	return d
}

// firstOf returns the first instant of a local date: midnight, or what comes
// instead of it. A date that the zone has left out is empty.
func firstOf(year int, month time.Month, day int, loc *time.Location) time.Time {
	wall := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).UnixMilli()
	return time.UnixMilli(newWallClock(loc, wall-reach, wall+reach).instant(wall)).In(loc)
}
