package calendar

import (
	"fmt"
	"strings"
	"time"
)

// maxOccurrences is the longest list that Occurrences returns.
const maxOccurrences = 10_000

// Occurrences lists at most limit occurrences of a recurrence rule that starts
// at dtstart, a local time without a zone; an empty rule happens once. local is
// what the rule says, "2006-01-02T15:04:05"; utc is when that is in the zone,
// RFC 3339: a local time that does not exist there moves forward by the gap,
// one that happens twice is its first occurrence. The lists are empty if the
// rule does not match within 100 years of its start.
func Occurrences(timezone, dtstart, rrule string, limit int) (local, utc []string, err error) {
	loc, err := loadZone(timezone)
	if err != nil {
		return nil, nil, fmt.Errorf("timezone %w", err)
	}
	start, err := parseLocal(dtstart)
	if err != nil {
		return nil, nil, fmt.Errorf("dtstart %w", err)
	}
	if limit < 1 || limit > maxOccurrences {
		return nil, nil, fmt.Errorf("limit %d: write 1 to %d", limit, maxOccurrences)
	}
	walls := []int64{start}
	if strings.TrimSpace(rrule) != "" {
		if walls, err = listRule(rrule, start, loc, limit); err != nil {
			return nil, nil, fmt.Errorf("rrule %q %w", rrule, err)
		}
	}
	for _, wall := range walls {
		at := newWallClock(loc, wall, wall).instant(wall)
		local = append(local, time.UnixMilli(wall).UTC().Format("2006-01-02T15:04:05.999"))
		utc = append(utc, formatInstant(at))
	}
	return local, utc, nil
}

func listRule(text string, start int64, loc *time.Location, limit int) ([]int64, error) {
	rule, err := parseRule(text)
	if err != nil {
		return nil, err
	}
	if rule.Count > 0 {
		limit = min(limit, rule.Count)
	}
	r := newRecurrence(rule, start, loc)
	var walls []int64
	r.each(start, r.horizon(), func(wall int64) bool {
		walls = append(walls, wall)
		return len(walls) < limit
	})
	return walls, nil
}

// formatInstant writes RFC 3339 in UTC, with a fraction only if there is one.
func formatInstant(t int64) string {
	return time.UnixMilli(t).UTC().Format(time.RFC3339Nano)
}
