package config

import (
	"fmt"
	"reflect"
	"strings"

	"unpark/connectors/notify"
)

// Destinations says what a route tells, without addresses.
func Destinations(list []notify.Destination) string {
	var types []string
	for _, d := range list {
		types = append(types, d.Type())
	}
	return strings.Join(types, ", ")
}

func sameDestination(a, b notify.Destination) bool { return reflect.DeepEqual(a, b) }

// Habit is one thing that a route says beside whom to tell; its Text is empty if
// the route does not say it.
type Habit struct{ What, Text string }

// Habits says when and how often a route tells, always the same in the same
// order.
func Habits(r notify.Route) []Habit {
	quiet, repeat, group := "", "", ""
	if q := r.Quiet; q != nil {
		quiet = fmt.Sprintf("outside of %s, then %s is told", q.Hours, q.Then)
	}
	if r.Repeat > 0 {
		repeat = "every " + Short(r.Repeat)
	}
	if g := r.Group; g != nil {
		group = "of storms"
		if g.Above != nil {
			group += fmt.Sprintf(" above %d", *g.Above)
		}
		if g.Within > 0 {
			group += " within " + Short(g.Within)
		}
	}
	return []Habit{{"quiet", quiet}, {"repeat", repeat}, {"group", group}}
}
