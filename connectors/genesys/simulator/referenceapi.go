package simulator

import (
	"net/http"
	"time"
)

func (o *Org) listUsers(r *http.Request) (any, error) {
	query := r.URL.Query()
	state, id := query.Get("state"), wanted(query, "id")
	fill(&state, "active")
	return list(o, r, filter(o.people.users, func(u *User) bool {
		return id(u.ID) && (state == "any" && u.State != "deleted" || u.State == state)
	}), o.user)
}

// getUser finds who has left only if state=deleted is asked for.
func (o *Org) getUser(r *http.Request) (any, error) {
	u := o.people.user(r.PathValue("user"))
	if u == nil || u.State == "deleted" && r.URL.Query().Get("state") != "deleted" {
		return nil, errNotFound
	}
	return o.user(u), nil
}

func (o *Org) user(u *User) object {
	return object{
		"id": u.ID, "name": u.Name, "email": u.Email, "state": u.State, "division": o.people.division.object(),
		"department": "Service", "selfUri": "/api/v2/users/" + u.ID,
	}
}

func (n named) object() object { return object{"id": n.ID, "name": n.Name} }

func (o *Org) foundQueues(r *http.Request) []*Queue {
	query := r.URL.Query()
	id, division := wanted(query, "id"), wanted(query, "divisionId")
	return filter(o.people.queues, func(q *Queue) bool {
		return id(q.ID) && division(o.people.division.ID) && matches(query.Get("name"), q.Name)
	})
}

func (o *Org) listQueues(r *http.Request) (any, error) {
	return list(o, r, o.foundQueues(r), o.queue)
}

func (o *Org) listQueuesLight(r *http.Request) (any, error) {
	return list(o, r, o.foundQueues(r), func(q *Queue) object {
		return object{"id": q.ID, "name": q.Name, "division": o.people.division.object()}
	})
}

func (o *Org) getQueue(r *http.Request) (any, error) {
	q := o.people.queue(r.PathValue("queue"))
	if q == nil {
		return nil, errNotFound
	}
	return o.queue(q), nil
}

func (o *Org) queue(q *Queue) object {
	level := object{"serviceLevel": object{"percentage": 0.8, "durationMs": (4 * time.Hour).Milliseconds()}, "alertingTimeoutSeconds": 30}
	return object{
		"id": q.ID, "name": q.Name, "division": o.people.division.object(),
		"mediaSettings": object{"email": level, "message": level},
		"acwSettings":   object{"wrapupPrompt": "OPTIONAL", "timeoutMs": 300000}, "lastAgentRoutingMode": "Disabled",
		"selfUri": "/api/v2/routing/queues/" + q.ID,
	}
}

func (o *Org) listWrapUpCodes(r *http.Request) (any, error) {
	return list(o, r, wrapUpCodes, named.object)
}

func (o *Org) listDivisions(r *http.Request) (any, error) {
	query := r.URL.Query()
	id := wanted(query, "id")
	return list(o, r, filter([]named{o.people.division}, func(n named) bool {
		return id(n.ID) && matches(query.Get("name"), n.Name)
	}), homeDivision)
}

// getDivision answers to home too.
func (o *Org) getDivision(r *http.Request) (any, error) {
	if id := r.PathValue("division"); id != o.people.division.ID && id != "home" {
		return nil, errNotFound
	}
	return homeDivision(o.people.division), nil
}

func homeDivision(n named) object {
	division := n.object()
	division["homeDivision"] = true
	return division
}
