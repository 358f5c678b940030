package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"unpark/schemas"
)

// Routes is what an org's configuration says of its routes: names that tiers
// refer to, and what stands behind them.
type Routes map[string]Route

// Route is whom to tell, and when. Written as a list it is To alone.
type Route struct {
	// To are the destinations; each of them is told.
	To []Destination `json:"to" yaml:"to,list"`
	// Quiet names who is told instead while this route sleeps; nil: it never does.
	Quiet *Quiet `json:"quiet,omitempty" yaml:"quiet"`
	// Repeat is how often an alert is told again until it is over or acknowledged;
	// 0: never.
	Repeat schemas.Duration `json:"repeat,omitempty" yaml:"repeat"`
	// Group keeps a storm from piling up; nil: the defaults.
	Group *Grouping `json:"group,omitempty" yaml:"group"`
}

// Quiet is when a route sleeps.
type Quiet struct {
	// Hours is the calendar in whose hours the route is awake.
	Hours string `json:"hours" yaml:"hours"`
	// Then is the route that is told while it is not.
	Then string `json:"then" yaml:"then"`
}

// Grouping says when alerts for one destination become one digest: when more than
// Above of them come in Within. Destinations that are programs are never told in
// digests.
type Grouping struct {
	// Above is 20 if it is nil; 0 never groups.
	Above *int `json:"above,omitempty" yaml:"above"`
	// Within is a minute if it is 0.
	Within schemas.Duration `json:"within,omitempty" yaml:"within"`
}

const (
	defaultAbove  = 20
	defaultWithin = time.Minute
	maxAbove      = 1000
	minRepeat     = schemas.Duration(time.Minute)
)

func (r Route) group() (above int, within time.Duration) {
	above, within = defaultAbove, defaultWithin
	if r.Group == nil {
		return above, within
	}
	if r.Group.Above != nil {
		above = *r.Group.Above
	}
	if r.Group.Within > 0 {
		within = time.Duration(r.Group.Within)
	}
	return above, within
}

// plain is Route without its way to be written as JSON.
type plain Route

// MarshalJSON writes a route that says nothing but whom to tell as a list, as it
// is written in files.
func (r Route) MarshalJSON() ([]byte, error) {
	if r.Quiet == nil && r.Repeat == 0 && r.Group == nil {
		return json.Marshal(r.To)
	}
	return json.Marshal(plain(r))
}

// UnmarshalJSON reads both forms.
func (r *Route) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		*r = Route{}
		return json.Unmarshal(data, &r.To)
	}
	return json.Unmarshal(data, (*plain)(r))
}

// Validate returns everything wrong with the routes, in the order of their
// names. calendars are the names of the org's calendars.
func (r Routes) Validate(calendars []string) []Problem {
	var ps []Problem
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if name == "" || strings.ContainsRune(name, '/') {
			ps = append(ps, Problem{name, "a route needs a name without a slash"})
		}
		if len(r[name].To) == 0 {
			ps = append(ps, Problem{name, "a route needs at least one destination; tiers that tell nobody have an empty notify"})
		}
		for i, d := range r[name].To {
			path := fmt.Sprintf("%s[%d]", name, i)
			ps = append(ps, d.validate(path)...)
			if d.Every != nil && (*d.Every < 0 || *d.Every > schemas.Duration(time.Hour)) {
				ps = append(ps, Problem{path + ".every", "write a time up to an hour, such as 1s"})
			}
		}
		ps = append(ps, r.validateTimes(name, calendars)...)
	}
	return ps
}

func (r Routes) validateTimes(name string, calendars []string) (ps []Problem) {
	route := r[name]
	if d := route.Repeat; d != 0 && d < minRepeat {
		ps = append(ps, Problem{name + ".repeat", "more often than once a minute; write 30m, or leave it out"})
	}
	if g := route.Group; g != nil {
		if g.Above != nil && (*g.Above < 0 || *g.Above > maxAbove) {
			ps = append(ps, Problem{name + ".group.above", fmt.Sprintf("%d: write 1 to %d, or 0 to group never", *g.Above, maxAbove)})
		}
		if g.Within < 0 || g.Within > schemas.Duration(time.Hour) {
			ps = append(ps, Problem{name + ".group.within", "write a time up to an hour, such as 1m"})
		}
	}
	if route.Quiet == nil {
		return ps
	}
	if !slices.Contains(calendars, route.Quiet.Hours) {
		ps = append(ps, Problem{name + ".quiet.hours", fmt.Sprintf("%q is no calendar of this org; the route is awake in its hours", route.Quiet.Hours)})
	}
	if p := r.validateThen(name); p != "" {
		ps = append(ps, Problem{name + ".quiet.then", p})
	}
	return ps
}

// validateThen follows the routes that are told instead: somebody must be.
func (r Routes) validateThen(name string) string {
	for at, seen := name, map[string]bool{}; ; {
		quiet := r[at].Quiet
		switch {
		case quiet == nil:
			return ""
		case quiet.Then == "":
			return "missing; write the route that is told instead"
		case seen[at]:
			return "the routes hand over in a circle, so that nobody may be told"
		case len(r[quiet.Then].To) == 0:
			return fmt.Sprintf("there is no route %q", quiet.Then)
		}
		seen[at] = true
		at = quiet.Then
	}
}
