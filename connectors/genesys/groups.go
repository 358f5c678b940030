package genesys

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"unpark/connectors/genesys/api"
	"unpark/processor/calendar"
)

// GroupProblem is something of a schedule group that cannot be taken over.
type GroupProblem struct {
	// Group is its id.
	Group string
	// Kept: the last good content stays. Lost: there is none, so that calendars which
	// name the group count as always. Neither: the content is taken over without the
	// schedule that Text is about.
	Kept, Lost bool
	Text       string
}

// ReadGroups reads schedule groups and their schedules. A group that is gone or not
// active, that may not be read, that has lost a schedule which counted in last, or that
// would never open keeps the content that it has in last, if any. An error is of the org
// as a whole, as when none may be read: nothing is known then.
func (c *Client) ReadGroups(ctx context.Context, ids []string, last calendar.Groups) (calendar.Groups, []GroupProblem, error) {
	r := groupReader{client: c, schedules: make(map[string]*api.Schedule)}
	next := calendar.Groups{}
	refused := 0
	for _, id := range ids {
		before, had := last[id]
		content, notes, trouble, err := r.read(ctx, id, before)
		if err != nil && asError(err).refused() {
			refused++
			trouble = fmt.Sprintf("it, or one of its schedules, may not be read (%s)", asError(err).Reason)
		}
		if err != nil && (trouble == "" || refused == len(ids)) {
			return nil, r.problems, err
		}
		for _, note := range notes {
			r.problems = append(r.problems, GroupProblem{Group: id, Text: note})
		}
		if trouble != "" {
			r.problems = append(r.problems, GroupProblem{Group: id, Kept: had, Lost: !had, Text: trouble})
			content = before
		}
		if trouble == "" || had {
			next[id] = content
		}
	}
	return next, r.problems, nil
}

// groupReader reads each schedule once.
type groupReader struct {
	client    *Client
	schedules map[string]*api.Schedule // nil: there is none of that id
	problems  []GroupProblem
}

// read returns what a group says. notes are about schedules that do not count;
// trouble says why it cannot be taken over.
func (r *groupReader) read(ctx context.Context, id string, last calendar.ScheduleGroup) (content calendar.ScheduleGroup, notes []string, trouble string, err error) {
	g, err := r.client.ScheduleGroup(ctx, id)
	switch {
	case err != nil && asError(err).Reason == ReasonNotFound:
		return content, nil, "there is no such schedule group, or it is in a division that the client does not see", nil
	case err != nil:
		return content, nil, "", err
	case !isActive(g.State):
		return content, nil, fmt.Sprintf("schedule group %q is %s", g.Name, g.State), nil
	}
	content = calendar.ScheduleGroup{Name: g.Name, TimeZone: g.TimeZone}
	for _, list := range []struct {
		refs     []api.Ref
		last     []calendar.Schedule
		schedule *[]calendar.Schedule
	}{
		{g.OpenSchedules, last.OpenSchedules, &content.OpenSchedules},
		{g.ClosedSchedules, last.ClosedSchedules, &content.ClosedSchedules},
		{g.HolidaySchedules, last.HolidaySchedules, &content.HolidaySchedules},
	} {
		for _, ref := range list.refs {
			s, obstacle, err := r.schedule(ctx, ref)
			switch {
			case err != nil:
				return content, nil, "", err
			case obstacle == "":
				*list.schedule = append(*list.schedule, s)
			case slices.ContainsFunc(list.last, func(s calendar.Schedule) bool { return s.ID == ref.Id }):
				return content, nil, obstacle + "; it has counted until now: take it out of the group, or make it active again", nil
			default:
				notes = append(notes, obstacle+" and does not count")
			}
		}
		// The order decides nothing and is not promised to stay.
		slices.SortFunc(*list.schedule, func(a, b calendar.Schedule) int { return cmp.Compare(a.ID, b.ID) })
	}
	return content, notes, unusable(content, r.client.clock.Now()), nil
}

// schedule reads a schedule, or says why it does not count.
func (r *groupReader) schedule(ctx context.Context, ref api.Ref) (s calendar.Schedule, obstacle string, err error) {
	found, known := r.schedules[ref.Id]
	if !known {
		found, err = r.client.Schedule(ctx, ref.Id)
		if err != nil && asError(err).Reason != ReasonNotFound {
			return s, "", err
		}
		if err != nil {
			found = nil
		}
		r.schedules[ref.Id] = found
	}
	switch {
	case found == nil:
		return s, fmt.Sprintf("schedule %q (%s) is gone", ref.Name, ref.Id), nil
	case !isActive(found.State):
		return s, fmt.Sprintf("schedule %q (%s) is %s", found.Name, ref.Id, found.State), nil
	}
	return calendar.Schedule{ID: ref.Id, Name: found.Name, Start: found.Start, End: found.End, RRule: found.Rrule}, "", nil
}

// isActive takes a state that is left out for the one that counts.
func isActive(state string) bool { return state == "" || strings.EqualFold(state, "active") }

// unusable says why a group cannot be counted in; empty: it can.
func unusable(g calendar.ScheduleGroup, now time.Time) string {
	c, err := calendar.Compile(calendar.Config{ScheduleGroup: &g})
	switch {
	case err != nil:
		return fmt.Sprintf("schedule group %q cannot be counted in: %v", g.Name, err)
	case !c.OpensWithin(now.UnixMilli()):
		return fmt.Sprintf("schedule group %q does not open within five years", g.Name)
	}
	return ""
}
