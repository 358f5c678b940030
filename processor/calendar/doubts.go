package calendar

import (
	"fmt"
	"strings"
	"time"
)

// Doubts returns what Compile takes but hardly anybody means: active schedules
// that start at a time their own rule does not match. Genesys's API may hold such
// schedules; they begin with the first time that matches.
func Doubts(cfg Config) (doubts Problems) {
	g := cfg.ScheduleGroup
	if g == nil {
		return nil
	}
	loc, err := loadZone(g.TimeZone)
	if err != nil {
		return nil // Compile has said so
	}
	for _, list := range []struct {
		name      string
		schedules []Schedule
	}{{"openSchedules", g.OpenSchedules}, {"closedSchedules", g.ClosedSchedules}, {"holidaySchedules", g.HolidaySchedules}} {
		for i, s := range list.schedules {
			if first, ok := s.misfit(loc); ok {
				doubts.add(fmt.Sprintf("schedule_group.%s[%d].start", list.name, i),
					"%s is %s, which %q does not match: the schedule begins on %s; write that as start",
					s.Start, time.UnixMilli(first.start).UTC().Weekday(), s.RRule, time.UnixMilli(first.occurs).UTC().Format("Monday 2006-01-02T15:04:05"))
			}
		}
	}
	return doubts
}

// misfit is a schedule's start and its first occurrence, as wall times.
type misfit struct{ start, occurs int64 }

// misfit reports whether the first occurrence is another than the start.
func (s Schedule) misfit(loc *time.Location) (misfit, bool) {
	start, err := parseLocal(s.Start)
	if err != nil || !s.active() || strings.TrimSpace(s.RRule) == "" {
		return misfit{}, false
	}
	r, err := compileRule(s.RRule, start, loc)
	if err != nil {
		return misfit{}, false
	}
	m := misfit{start: start, occurs: start}
	r.each(start, r.horizon(), func(wall int64) bool {
		m.occurs = wall
		return false
	})
	return m, m.occurs != start
}
