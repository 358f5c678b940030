package simulator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// User is somebody who works for the organisation.
type User struct {
	ID, Name, Email string
	State           string // active, inactive or deleted
	Queue           string // where most of the work comes from
}

// Queue is where conversations wait.
type Queue struct {
	ID, Name string
	Address  string // from which its agents' e-mails go
}

// people is who and what there is.
type people struct {
	users    []*User
	queues   []*Queue
	division named
	groups   []*ScheduleGroup
	plans    []*Schedule
}

type named struct{ ID, Name string }

// givenNames and queueNames are what there is one of each for.
var (
	givenNames = []string{"Ann", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gina", "Hugo", "Ida", "Jan"}
	queueNames = []string{"Orders", "Returns", "Billing"}
)

func newPeople(c Config, r *rand.Rand) people {
	p := people{division: named{uuid(r), "Home"}}
	for _, name := range queueNames {
		p.queues = append(p.queues, &Queue{ID: uuid(r), Name: name, Address: strings.ToLower(name) + "@simulated.example"})
	}
	for i, name := range givenNames {
		p.users = append(p.users, &User{
			ID: uuid(r), Name: name, Email: fmt.Sprintf("agent%d@simulated.example", i+1), State: "active",
			Queue: p.queues[i%len(p.queues)].ID,
		})
	}
	p.groups, p.plans = newSchedules(c, r, p.division)
	return p
}

func (p *people) user(id string) *User {
	for _, u := range p.users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

func (p *people) queue(id string) *Queue {
	for _, q := range p.queues {
		if q.ID == id {
			return q
		}
	}
	return nil
}

// Users returns who works there.
func (o *Org) Users() []User { return values(o, o.people.users) }

// Queues returns its queues.
func (o *Org) Queues() []Queue { return values(o, o.people.queues) }

func values[T any](o *Org, all []*T) []T {
	o.mu.Lock()
	defer o.mu.Unlock()
	copied := make([]T, len(all))
	for i, v := range all {
		copied[i] = *v
	}
	return copied
}

const (
	opens  = 9 // o'clock
	closes = 17
)

// working returns the first instant from t on at which somebody works.
func (c Config) working(t time.Time) time.Time {
	local := t.In(c.Zone)
	for {
		day := time.Date(local.Year(), local.Month(), local.Day(), opens, 0, 0, 0, c.Zone)
		end := time.Date(local.Year(), local.Month(), local.Day(), closes, 0, 0, 0, c.Zone)
		weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		switch {
		case !weekend && local.Before(day):
			return day.In(t.Location())
		case !weekend && local.Before(end):
			return local.In(t.Location())
		}
		local = time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, c.Zone)
	}
}

// worked returns when d of working time has passed since t.
func (c Config) worked(t time.Time, d time.Duration) time.Time {
	for {
		t = c.working(t)
		local := t.In(c.Zone)
		end := time.Date(local.Year(), local.Month(), local.Day(), closes, 0, 0, 0, c.Zone)
		left := end.Sub(t)
		if d < left {
			return t.Add(d)
		}
		d -= left
		t = end.In(t.Location())
	}
}
