package simulator

import (
	"net/http"
	"slices"
)

func (o *Org) listSchedules(r *http.Request) (any, error) {
	query := r.URL.Query()
	division := wanted(query, "divisionId")
	return list(o, r, filter(o.people.plans, func(s *Schedule) bool {
		return s.State != "deleted" && division(s.division.ID) && matches(query.Get("name"), s.Name)
	}), renderSchedule)
}

func (o *Org) getSchedule(r *http.Request) (any, error) {
	i := slices.IndexFunc(o.people.plans, func(s *Schedule) bool { return s.ID == r.PathValue("schedule") })
	if i < 0 || o.gone(o.people.plans[i].State) {
		return nil, errNotFound
	}
	return renderSchedule(o.people.plans[i]), nil
}

func (o *Org) gone(state string) bool { return o.config.Unknowns.DeletedIsGone && state == "deleted" }

func renderSchedule(s *Schedule) object {
	answer := object{
		"id": s.ID, "name": s.Name, "division": s.division.object(), "version": s.Version, "state": s.State,
		"start": s.Start, "end": s.End, "selfUri": "/api/v2/architect/schedules/" + s.ID,
	}
	answer.set("rrule", s.RRule)
	return answer
}

func (o *Org) listGroups(r *http.Request) (any, error) {
	query := r.URL.Query()
	division, schedule := wanted(query, "divisionId"), wanted(query, "scheduleIds")
	return list(o, r, filter(o.people.groups, func(g *ScheduleGroup) bool {
		all := slices.Concat(g.Open, g.Closed, g.Holiday)
		return g.State != "deleted" && division(g.division.ID) && slices.ContainsFunc(all, schedule) && matches(query.Get("name"), g.Name)
	}), o.renderGroup)
}

func (o *Org) getGroup(r *http.Request) (any, error) {
	i := slices.IndexFunc(o.people.groups, func(g *ScheduleGroup) bool { return g.ID == r.PathValue("group") })
	if i < 0 || o.gone(o.people.groups[i].State) {
		return nil, errNotFound
	}
	return o.renderGroup(o.people.groups[i]), nil
}

func (o *Org) renderGroup(g *ScheduleGroup) object {
	answer := object{
		"id": g.ID, "name": g.Name, "division": g.division.object(), "version": g.Version, "state": g.State,
		"timeZone": g.TimeZone, "selfUri": "/api/v2/architect/schedulegroups/" + g.ID,
	}
	for key, ids := range map[string][]string{"openSchedules": g.Open, "closedSchedules": g.Closed, "holidaySchedules": g.Holiday} {
		if len(ids) > 0 {
			answer[key] = o.references(ids)
		}
	}
	return answer
}

func (o *Org) references(ids []string) []object {
	var all []object
	for _, id := range ids {
		one := object{"id": id, "selfUri": "/api/v2/architect/schedules/" + id}
		for _, s := range o.people.plans {
			if s.ID == id {
				one["name"] = s.Name
			}
		}
		all = append(all, one)
	}
	return all
}
