package config

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"unpark/processor/sla"
)

// FindQueues returns the ids of the queues that an org's Genesys has under a name.
type FindQueues func(ctx context.Context, o Org, name string) (ids []string, err error)

// NamesQueues reports whether a policy names a queue by its name.
func (o Org) NamesQueues() bool {
	return slices.ContainsFunc(o.Policies, func(p sla.Policy) bool { return len(p.Match.QueueName) > 0 })
}

// ResolveQueues puts the ids of queues in the place of the names that policies match
// by: what is published holds ids, and the names for people. Its error is Problems
// with the place of each name that does not lead to one queue; nothing is changed
// then.
func (c *Config) ResolveQueues(ctx context.Context, find FindQueues) error {
	resolved := slices.Clone(c.Orgs)
	var problems Problems
	for i, o := range resolved {
		r := resolver{find: find, org: o, places: c.places[o.Name], ids: make(map[string]string)}
		resolved[i] = r.resolve(ctx)
		problems = append(problems, r.problems...)
	}
	if len(problems) > 0 {
		problems.sort()
		return problems
	}
	c.Orgs = resolved
	return nil
}

// resolver looks up each name of one org once.
type resolver struct {
	find     FindQueues
	org      Org
	places   *reporter
	ids      map[string]string // by name; empty: there is a problem with it
	problems Problems
}

func (r *resolver) resolve(ctx context.Context) Org {
	o := r.org
	if !o.NamesQueues() {
		return o
	}
	o.Policies, o.QueueNames = slices.Clone(o.Policies), make(map[string]string)
	for i := range o.Policies {
		m := &o.Policies[i].Match
		queues := slices.Clone(m.Queue)
		for j, name := range m.QueueName {
			id := r.queue(ctx, name, index(index("policies", i)+".match.queue_name", j))
			if !slices.Contains(queues, id) {
				queues = append(queues, id)
			}
			o.QueueNames[id] = name
		}
		m.Queue, m.QueueName = queues, nil
	}
	return o
}

// queue returns the id of a queue, or says at the place of its name why there is
// none.
func (r *resolver) queue(ctx context.Context, name, path string) string {
	if id, known := r.ids[name]; known {
		return id
	}
	r.ids[name] = ""
	ids, err := r.find(ctx, r.org, name)
	switch {
	case err != nil:
		r.problem(path, "queue %q cannot be looked up in Genesys now: %v; try again, or write its id under queue", name, err)
	case len(ids) == 0:
		r.problem(path, "Genesys has no queue %q that the client can see; write it as Genesys does, or its id under queue", name)
	case len(ids) > 1:
		r.problem(path, "Genesys has %d queues %q; write the id of the one that is meant under queue: %s", len(ids), name, strings.Join(ids, ", "))
	default:
		r.ids[name] = ids[0]
	}
	return r.ids[name]
}

func (r *resolver) problem(path, format string, args ...any) {
	at := r.places.places.place(path)
	r.problems = append(r.problems, Problem{
		File: r.places.file, Line: at.line, Column: at.column, Path: path, Message: fmt.Sprintf(format, args...), Category: AboutRules,
	})
}

// Named returns the org as people read it: queues with the names that the files
// called them by.
func (o Org) Named() Org { return o.named(o.QueueNames) }

func (o Org) named(names map[string]string) Org {
	if len(names) == 0 {
		return o
	}
	o.Policies = slices.Clone(o.Policies)
	for i := range o.Policies {
		queues := slices.Clone(o.Policies[i].Match.Queue)
		for j, id := range queues {
			if name := names[id]; name != "" {
				queues[j] = fmt.Sprintf("%s (%s)", name, id)
			}
		}
		o.Policies[i].Match.Queue = queues
	}
	return o
}

// bothNamed names the queues of both alike, or a name would look like a change.
func bothNamed(old, next Org) (Org, Org) {
	names := maps.Clone(old.QueueNames)
	if names == nil {
		names = make(map[string]string)
	}
	maps.Copy(names, next.QueueNames)
	return old.named(names), next.named(names)
}
