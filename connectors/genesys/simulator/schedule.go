package simulator

import (
	"math/rand/v2"
	"slices"
)

// Schedule is a row of occurrences. Start and End are local times without zone.
type Schedule struct {
	ID, Name, State   string // active, inactive or deleted
	Start, End, RRule string
	Version           int
	division          named
}

// ScheduleGroup is opening hours, in the zone of the group.
type ScheduleGroup struct {
	ID, Name, State, TimeZone string
	Open, Closed, Holiday     []string // ids of schedules
	Version                   int
	division                  named
}

// newSchedules has the office hours in which everybody works, and a hotline that
// never closes.
func newSchedules(c Config, r *rand.Rand, division named) ([]*ScheduleGroup, []*Schedule) {
	office := &Schedule{
		ID: uuid(r), Name: "Office hours", State: "active", Version: 1, division: division,
		Start: "2026-01-05T09:00:00.000", End: "2026-01-05T17:00:00.000", RRule: "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR",
	}
	allDay := &Schedule{
		ID: uuid(r), Name: "Every day", State: "active", Version: 1, division: division,
		Start: "2026-01-01T00:00:00.000", End: "2026-01-02T00:00:00.000", RRule: "FREQ=DAILY;INTERVAL=1",
	}
	holiday := &Schedule{
		ID: uuid(r), Name: "Christmas", State: "active", Version: 1, division: division,
		Start: "2026-12-25T00:00:00.000", End: "2026-12-26T00:00:00.000", RRule: "FREQ=YEARLY;INTERVAL=1;BYMONTH=12;BYMONTHDAY=25",
	}
	if c.Unknowns.AllDayEndsBeforeMidnight {
		allDay.End, holiday.End = "2026-01-01T23:59:59.000", "2026-12-25T23:59:59.000"
	}
	group := func(name, open string, holidays ...string) *ScheduleGroup {
		return &ScheduleGroup{
			ID: uuid(r), Name: name, State: "active", TimeZone: c.Zone.String(), Version: 1, division: division,
			Open: []string{open}, Holiday: holidays,
		}
	}
	return []*ScheduleGroup{group("Office", office.ID, holiday.ID), group("Hotline", allDay.ID)},
		[]*Schedule{office, allDay, holiday}
}

// ScheduleGroups returns the groups as they are.
func (o *Org) ScheduleGroups() []ScheduleGroup { return values(o, o.people.groups) }

// Schedules returns the schedules as they are.
func (o *Org) Schedules() []Schedule { return values(o, o.people.plans) }

// EditSchedule changes a schedule, as somebody in the organisation would; false
// if there is none with that id.
func (o *Org) EditSchedule(id string, edit func(*Schedule)) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.people.plans {
		if s.ID == id {
			edit(s)
			s.Version++
			return true
		}
	}
	return false
}

// EditScheduleGroup changes a group; false if there is none with that id.
func (o *Org) EditScheduleGroup(id string, edit func(*ScheduleGroup)) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.people.groups, func(g *ScheduleGroup) bool { return g.ID == id })
	if i < 0 {
		return false
	}
	edit(o.people.groups[i])
	o.people.groups[i].Version++
	return true
}
