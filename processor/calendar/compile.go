package calendar

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Synced reports that the configuration names a schedule group by its id and has
// not its content (With). Such a calendar counts as always; whoever compiles it
// says so, loudly.
func (cfg Config) Synced() bool {
	return cfg.ScheduleGroupID != "" && cfg.ScheduleGroup == nil
}

// Compile makes a calendar of a configuration; its error is a Problems. A
// Synced configuration becomes Always. Whether the calendar ever opens again
// depends on the day it is asked: see OpensWithin.
func Compile(cfg Config) (*Calendar, error) {
	inline := cfg.Timezone != "" || len(cfg.Weekly)+len(cfg.Holidays)+len(cfg.Closed) > 0
	var problems Problems
	var h *hours
	switch {
	case inline && (cfg.ScheduleGroup != nil || cfg.ScheduleGroupID != ""):
		problems.add("schedule_group", "stands beside inline hours: write timezone and weekly, or a schedule group, not both")
	case cfg.Synced():
		return Always(), nil
	case cfg.ScheduleGroup != nil:
		h = compileGroup(*cfg.ScheduleGroup, &problems)
	default:
		h = compileInline(cfg, &problems)
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	return &Calendar{hours: h}, nil
}

// compileGroup reads the active schedules of a group; what the others say does
// not matter.
func compileGroup(g ScheduleGroup, problems *Problems) *hours {
	const field = "schedule_group"
	h := &hours{}
	var err error
	if h.loc, err = loadZone(g.TimeZone); err != nil {
		problems.add(field+".timeZone", "%v", err)
		h.loc = time.UTC // the schedules are still checked
	}
	list := func(name string, schedules []Schedule) (active []*schedule) {
		for i, s := range schedules {
			path := fmt.Sprintf("%s.%s[%d]", field, name, i)
			switch {
			case s.active():
				active = append(active, s.compile(path, h.loc, problems))
			case !strings.EqualFold(s.State, stateInactive) && !strings.EqualFold(s.State, stateDeleted):
				problems.add(path+".state", "%q is no state: write active, inactive or deleted", s.State)
			}
		}
		return active
	}
	h.openSchedules = list("openSchedules", g.OpenSchedules)
	h.closedSchedules = list("closedSchedules", g.ClosedSchedules)
	h.holidaySchedules = list("holidaySchedules", g.HolidaySchedules)
	if len(h.openSchedules) == 0 {
		problems.add(field+".openSchedules", "has no active schedule, so it never opens: add one")
	}
	return h
}

func compileInline(cfg Config, problems *Problems) *hours {
	h := &hours{}
	var err error
	if h.loc, err = loadZone(cfg.Timezone); err != nil {
		problems.add("timezone", "%v", err)
	}
	h.weekly = compileWeekly(cfg.Weekly, problems)
	for i, date := range cfg.Holidays {
		t, err := time.Parse(time.DateOnly, date)
		if err != nil {
			problems.add(fmt.Sprintf("holidays[%d]", i), "%q is no date: write 2026-12-25", date)
		}
		h.holidays = append(h.holidays, dayOf(t.UnixMilli()))
	}
	for i, s := range cfg.Closed {
		h.closed = append(h.closed, compileStretch(fmt.Sprintf("closed[%d]", i), s, problems))
	}
	return h
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // by time.Weekday

func compileWeekly(weekly map[string][]string, problems *Problems) (week [7][]window) {
	count := 0
	for day, name := range weekdays {
		for i, text := range weekly[name] {
			count++
			w, err := parseWindow(text)
			if err != nil {
				problems.add(fmt.Sprintf("weekly.%s[%d]", name, i), "%v", err)
			}
			week[day] = append(week[day], w)
		}
	}
	var unknown []string
	for name := range weekly {
		if !slices.Contains(weekdays, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		problems.add("weekly."+name, "is no day: write mon, tue, wed, thu, fri, sat or sun")
	}
	if count == 0 && len(unknown) == 0 {
		problems.add("weekly", `has no window, so it never opens: write mon: ["09:00-17:00"]`)
	}
	return week
}

// parseWindow reads "HH:MM-HH:MM"; one that ends no later than it starts runs
// over midnight.
func parseWindow(text string) (window, error) {
	if len(text) != len("HH:MM-HH:MM") || text[5] != '-' {
		return window{}, fmt.Errorf(`%q is no window: write "09:00-17:00"`, text)
	}
	from, okFrom := parseClock(text[:5])
	to, okTo := parseClock(text[6:])
	switch {
	case !okFrom || !okTo || from == msPerDay:
		return window{}, fmt.Errorf(`%q is no window: write times from 00:00 to 23:59, or 24:00 to end a day, as in "09:00-17:00"`, text)
	case from == to:
		return window{}, fmt.Errorf("%q opens when it closes: 00:00-24:00 is a whole day", text)
	case to < from:
		to += msPerDay
	}
	return window{from, to}, nil
}

// parseClock reads "HH:MM", to 24:00, as milliseconds since midnight.
func parseClock(text string) (int64, bool) {
	for i, c := range []byte(text) {
		if (i == 2) != (c == ':') || i != 2 && (c < '0' || c > '9') {
			return 0, false
		}
	}
	hour := int64(text[0]-'0')*10 + int64(text[1]-'0')
	minute := int64(text[3]-'0')*10 + int64(text[4]-'0')
	ms := hour*msPerHour + minute*msPerMinute
	return ms, minute < 60 && ms <= msPerDay
}

func compileStretch(field string, s Stretch, problems *Problems) span {
	from, errFrom := time.Parse(time.RFC3339, s.From)
	if errFrom != nil {
		problems.add(field+".from", "%q is no instant: write 2026-05-04T10:00:00Z", s.From)
	}
	to, errTo := time.Parse(time.RFC3339, s.To)
	if errTo != nil {
		problems.add(field+".to", "%q is no instant: write 2026-05-04T11:00:00Z", s.To)
	}
	if errors.Join(errFrom, errTo) == nil && !from.Before(to) {
		problems.add(field+".to", "%s does not lie after from, %s: write a later instant", s.To, s.From)
	}
	return span{from.UnixMilli(), to.UnixMilli()}
}
