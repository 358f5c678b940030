package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"unpark/processor/calendar"
)

var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

func (d *differ) calendars() {
	old, next := d.old.Calendars, d.next.Calendars
	for _, name := range names(old, next) {
		a, was := old[name]
		b, is := next[name]
		switch {
		case !was:
			d.add("calendar", name, d.next.countedBy(name), "new: %s", Hours(b))
		case !is:
			d.add("calendar", name, d.old.countedBy(name), "removed")
		default:
			d.calendar(name, a, b)
		}
	}
}

// countedBy says which policies count in a calendar.
func (o Org) countedBy(name string) string {
	var users []string
	for _, p := range o.Policies {
		for _, obj := range p.Objectives {
			if obj.Hours == name {
				users = append(users, p.Name+" "+obj.Objective)
			}
		}
	}
	if len(users) == 0 {
		return "nothing counts in it"
	}
	return "for " + strings.Join(users, ", ")
}

// written is a calendar as a folder has it: what Genesys has filled it with is not of
// the folder.
func written(c calendar.Config) calendar.Config {
	if c.ScheduleGroupID != "" {
		c.ScheduleGroup = nil
	}
	return c
}

func (d *differ) calendar(name string, old, next calendar.Config) {
	old, next = written(old), written(next)
	if reflect.DeepEqual(old, next) {
		return
	}
	whom := d.next.countedBy(name)
	if form(old) != form(next) {
		d.add("calendar", name, whom, "%s -> %s", form(old), form(next))
		return
	}
	d.moved("calendar", name, whom, "timezone", old.Zone(), next.Zone())
	d.moved("calendar", name, whom, "schedule group", old.ScheduleGroupID, next.ScheduleGroupID)
	for _, day := range weekdays {
		d.moved("calendar", name, whom, day, windows(old.Weekly[day]), windows(next.Weekly[day]))
	}
	d.dates(name, whom, "holiday", old.Holidays, next.Holidays)
	d.dates(name, whom, "closed", stretches(old.Closed), stretches(next.Closed))
	d.schedules(name, whom, old.ScheduleGroup, next.ScheduleGroup)
}

func (d *differ) dates(name, whom, what string, old, next []string) {
	if came := without(next, old); len(came) > 0 {
		d.add("calendar", name, whom, "%s added: %s", what, strings.Join(came, ", "))
	}
	if gone := without(old, next); len(gone) > 0 {
		d.add("calendar", name, whom, "%s removed: %s", what, strings.Join(gone, ", "))
	}
}

// schedules compares the schedules of groups that are written out.
func (d *differ) schedules(name, whom string, old, next *calendar.ScheduleGroup) {
	if old == nil || next == nil {
		return
	}
	d.dates(name, whom, "open schedule", schedules(old.OpenSchedules), schedules(next.OpenSchedules))
	d.dates(name, whom, "closed schedule", schedules(old.ClosedSchedules), schedules(next.ClosedSchedules))
	d.dates(name, whom, "holiday schedule", schedules(old.HolidaySchedules), schedules(next.HolidaySchedules))
}

func schedules(list []calendar.Schedule) []string {
	var words []string
	for _, s := range list {
		words = append(words, strings.Join(strings.Fields(fmt.Sprintf("%s %s to %s %s %s", s.Name, s.Start, s.End, s.RRule, s.State)), " "))
	}
	return words
}

// called names schedules of one kind.
func called(kind string, list []calendar.Schedule) []string {
	var names []string
	for _, s := range list {
		names = append(names, cmp.Or(s.Name, s.ID))
	}
	if len(names) == 0 {
		return nil
	}
	return []string{kind + " " + strings.Join(names, ", ")}
}

func form(c calendar.Config) string {
	switch {
	case c.ScheduleGroup != nil:
		return "a schedule group written out"
	case c.ScheduleGroupID != "":
		return "a schedule group by id"
	}
	return "weekly hours"
}

func windows(list []string) string {
	if len(list) == 0 {
		return "closed"
	}
	return strings.Join(list, " ")
}

func stretches(list []calendar.Stretch) []string {
	var words []string
	for _, s := range list {
		words = append(words, s.From+" to "+s.To)
	}
	return words
}

// Hours is a calendar in words: its zone, its weekdays, how many holidays; of a
// schedule group by its id the names of its schedules, if it has content.
func Hours(c calendar.Config) string {
	if g := c.ScheduleGroup; c.ScheduleGroupID != "" && g != nil {
		return fmt.Sprintf("schedule group %s, %s, synced from Genesys: %s", cmp.Or(g.Name, c.ScheduleGroupID), g.TimeZone, strings.Join(slices.Concat(
			called("open", g.OpenSchedules), called("closed", g.ClosedSchedules), called("holiday", g.HolidaySchedules)), "; "))
	}
	if form(c) != "weekly hours" {
		return form(c)
	}
	var parts []string
	for i := 0; i < len(weekdays); {
		j := i + 1
		for j < len(weekdays) && slices.Equal(c.Weekly[weekdays[i]], c.Weekly[weekdays[j]]) {
			j++
		}
		if hours := c.Weekly[weekdays[i]]; len(hours) > 0 {
			days := weekdays[i]
			if j-i > 1 {
				days += "-" + weekdays[j-1]
			}
			parts = append(parts, days+" "+windows(hours))
		}
		i = j
	}
	words := []string{strings.Join(parts, ", ") + " " + c.Timezone}
	for _, n := range []struct {
		count int
		what  string
	}{{len(c.Holidays), "holidays"}, {len(c.Closed), "closures"}} {
		if n.count > 0 {
			words = append(words, fmt.Sprintf("%s: %d", n.what, n.count))
		}
	}
	return strings.Join(words, ", ")
}
