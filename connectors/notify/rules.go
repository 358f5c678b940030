package notify

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"unpark/processor/calendar"
)

// rulebook remembers the newest rules of orgs, decoded. Safe for concurrent use.
type rulebook struct {
	configs Configs

	mu       sync.Mutex
	orgs     map[string]*newestRules
	versions map[string]*orgRules // never change; forgotten all at once when too many
}

const maxVersions = 200

type newestRules struct {
	value, schedules []byte
	rules            *orgRules
	err              error
}

func newRulebook(c Configs) *rulebook {
	return &rulebook{configs: c, orgs: map[string]*newestRules{}, versions: map[string]*orgRules{}}
}

// newest returns the newest rules of an org; a *Error if there are none to be had.
func (b *rulebook) newest(org string) (*orgRules, error) {
	value, ok := b.configs.NewestRules(org)
	if !ok {
		return nil, Permanent(reasonUnknownOrg, fmt.Errorf("org %s has no rules", org))
	}
	schedules, _ := b.configs.NewestSchedules(org)
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.orgs[org]; n != nil && bytes.Equal(n.value, value) && bytes.Equal(n.schedules, schedules) {
		return n.rules, n.err
	}
	n := &newestRules{value: value, schedules: schedules}
	if n.rules, n.err = decodeRules(value); n.err == nil {
		n.rules.fill(schedules)
		n.rules.lead(org)
	}
	b.orgs[org] = n
	return n.rules, n.err
}

// fill gives the calendars the content of their schedule groups, as far as it was
// synced. Without it they never close.
func (r *orgRules) fill(schedules []byte) {
	groups, err := calendar.ParseGroups(schedules)
	if err != nil {
		return
	}
	groups.Fill(r.Calendars)
}

// version returns one version of an org's rules, decoded.
func (b *rulebook) version(key string, value []byte) (*orgRules, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r, ok := b.versions[key]; ok {
		return r, nil
	}
	r, err := decodeRules(value)
	if err != nil {
		return nil, err
	}
	if len(b.versions) >= maxVersions {
		clear(b.versions)
	}
	b.versions[key] = r
	return r, nil
}

// target returns what a destination's name (org/route/index) stands for now.
func (b *rulebook) target(name string) target {
	org, rest, _ := strings.Cut(name, "/")
	routeName, _, _ := strings.Cut(rest, "/")
	rules, err := b.newest(org)
	if err != nil {
		return target{name: name, problem: asError(err)}
	}
	for _, t := range rules.targets(org, routeName) {
		if t.name == name || t.problem != nil {
			return t
		}
	}
	return target{name: name, problem: Permanent(reasonUnknownRoute, fmt.Errorf("%s has no such destination any more", name))}
}

// told returns the destination of an entry: the one that was told, wherever it
// stands now, or before that what its name stands for.
func (b *rulebook) told(e *entry) target {
	t := b.target(e.Destination)
	if e.Address == "" || t.address == e.Address {
		return t
	}
	rules, err := b.newest(e.Org)
	if err != nil {
		return target{name: e.Destination, problem: asError(err)}
	}
	for name := range rules.Routes {
		for _, other := range rules.targets(e.Org, name) {
			if other.address == e.Address {
				return other
			}
		}
	}
	return target{name: e.Destination, problem: Permanent(reasonUnknownRoute, fmt.Errorf("%s is no longer where the alert was told", e.Destination))}
}

// habit is how the route of an entry tells at an instant.
func (b *rulebook) habit(e *entry, now time.Time) habit {
	rules, err := b.newest(e.Org)
	if err != nil {
		return habit{}
	}
	name := routeOf(e)
	return habit{repeat: time.Duration(rules.Routes[name].Repeat), asleep: rules.asleep(name, now)}
}

// grouping is when alerts of an entry's route become a digest.
func (b *rulebook) grouping(e *entry) (above int, within time.Duration) {
	rules, err := b.newest(e.Org)
	if err != nil {
		return Route{}.group()
	}
	return rules.Routes[routeOf(e)].group()
}

// asleep says whether a route sleeps at an instant. A calendar that cannot be
// read never closes: rather told at night than nobody.
func (r *orgRules) asleep(routeName string, now time.Time) bool {
	quiet := r.Routes[routeName].Quiet
	if quiet == nil {
		return false
	}
	c := r.calendar(quiet.Hours)
	ms := now.UnixMilli()
	return c != nil && c.Elapsed(ms, ms+1) == 0
}

func (r *orgRules) calendar(name string) *calendar.Calendar {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c, ok := r.compiled[name]; ok {
		return c
	}
	config, ok := r.Calendars[name]
	if !ok {
		return nil
	}
	c, err := calendar.Compile(config)
	if err != nil {
		c = nil
	}
	if r.compiled == nil {
		r.compiled = map[string]*calendar.Calendar{}
	}
	r.compiled[name] = c
	return c
}

// awake returns the route that is told at an instant in the place of another:
// itself, unless it sleeps. A circle, which lint refuses, ends where it began.
func (r *orgRules) awake(routeName string, now time.Time) string {
	at := routeName
	for range len(r.Routes) {
		if !r.asleep(at, now) {
			return at
		}
		next := r.Routes[at].Quiet.Then
		if len(r.Routes[next].To) == 0 {
			return at
		}
		at = next
	}
	return routeName
}
