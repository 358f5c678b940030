package sla

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"unpark/processor/calendar"
	"unpark/schemas"
)

// RuleSet is one version of an org's rules, ready to judge by. It is immutable
// and safe for concurrent use.
type RuleSet struct {
	// Version is the content hash of the org's configuration.
	Version string
	// Schedules is the version of the schedules that its calendars are filled from;
	// empty if it needs none or there are none.
	Schedules string
	// Always are the calendars whose schedule group has no content, sorted: they
	// count as always.
	Always []string

	checks   bool // Genesys is asked before anything is told
	actions  Actions
	timing   timing
	policies []policy
	keep     map[string]bool
}

// timing in milliseconds.
type timing struct {
	grace, settle, late, fresh, hold    int64
	checkTimeout, followup, lead, retry int64
}

type policy struct {
	name       string
	match      Match
	botsReply  bool
	objectives []objective
}

type objective struct {
	name   string
	hours  *calendar.Calendar
	always bool // for want of the content of its schedule group
	tiers  []tier
}

type tier struct {
	at           int64 // milliseconds of counted time
	kind, action string
}

// Compile makes rules ready to judge by. Calendars whose schedule group has no
// content count as always.
func Compile(r Rules, version string) (*RuleSet, error) {
	calendars, err := compileCalendars(r.Calendars)
	if err != nil {
		return nil, err
	}
	rs := &RuleSet{
		Version: version, checks: r.Checks, actions: r.Actions, timing: r.Timing.resolve(), keep: make(map[string]bool),
	}
	for name, cfg := range r.Calendars {
		if cfg.Synced() {
			rs.Always = append(rs.Always, name)
		}
	}
	slices.Sort(rs.Always)
	if r.Actions.Mode == "" {
		rs.actions = DefaultActions()
	}
	for _, key := range r.KeptAttributes() {
		rs.keep[key] = true
	}
	policies := r.Policies
	if len(policies) == 0 {
		policies = DefaultPolicies()
	}
	for _, p := range policies {
		compiled, err := compilePolicy(p, calendars)
		if err != nil {
			return nil, fmt.Errorf("policy %q: %w", p.Name, err)
		}
		for i, o := range p.Objectives {
			compiled.objectives[i].always = slices.Contains(rs.Always, o.Hours)
		}
		rs.policies = append(rs.policies, compiled)
	}
	return rs, nil
}

// NeedsSchedules reports whether a calendar is a schedule group by its id.
func (r Rules) NeedsSchedules() bool {
	for _, cfg := range r.Calendars {
		if cfg.ScheduleGroupID != "" {
			return true
		}
	}
	return false
}

// WithSchedules returns the rules with the content of their schedule groups, as far
// as groups has it.
func (r Rules) WithSchedules(groups calendar.Groups) Rules {
	r.Calendars = maps.Clone(r.Calendars)
	groups.Fill(r.Calendars)
	return r
}

// Keeps reports whether the attribute is kept: the org lists it, or a policy
// matches on it.
func (rs *RuleSet) Keeps(attribute string) bool { return rs.keep[attribute] }

// KeptAttributes returns the keys of attributes that are kept, sorted.
func (r Rules) KeptAttributes() []string {
	keys := slices.Clone(r.Attributes)
	for _, p := range r.Policies {
		keys = slices.AppendSeq(keys, maps.Keys(p.Match.Attributes))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func compileCalendars(configs map[string]calendar.Config) (map[string]*calendar.Calendar, error) {
	calendars := map[string]*calendar.Calendar{HoursAlways: calendar.Always()}
	var errs []error
	for name, cfg := range configs {
		c, err := calendar.Compile(cfg)
		if err != nil {
			errs = append(errs, fmt.Errorf("calendar %q: %w", name, err))
			continue
		}
		calendars[name] = c
	}
	return calendars, errors.Join(errs...)
}

func compilePolicy(p Policy, calendars map[string]*calendar.Calendar) (policy, error) {
	if len(p.Match.QueueName) > 0 {
		return policy{}, fmt.Errorf("queue_name %q stands for no id yet", p.Match.QueueName[0])
	}
	c := policy{name: p.Name, match: p.Match, botsReply: p.Bots == BotsReply}
	for _, o := range p.Objectives {
		hours, ok := calendars[cmp.Or(o.Hours, HoursAlways)]
		if !ok {
			return policy{}, fmt.Errorf("objective %s: no calendar %q", o.Objective, o.Hours)
		}
		if !slices.Contains([]string{Reply, FirstReply, Resolution, Open}, o.Objective) {
			return policy{}, fmt.Errorf("no objective %q", o.Objective)
		}
		obj := objective{name: o.Objective, hours: hours}
		for _, t := range o.Tiers {
			obj.tiers = append(obj.tiers, tier{at: t.At.Milliseconds(), kind: t.Kind, action: t.Action})
		}
		slices.SortFunc(obj.tiers, func(a, b tier) int { return int(a.at - b.at) })
		c.objectives = append(c.objectives, obj)
	}
	return c, nil
}

func (t Timing) resolve() timing {
	ms := func(d *schemas.Duration, otherwise time.Duration) int64 {
		if d == nil {
			return otherwise.Milliseconds()
		}
		return d.Milliseconds()
	}
	resolved := timing{
		grace:        ms(t.Grace, 10*time.Second),
		settle:       ms(t.Settle, 2*time.Minute),
		late:         ms(t.Late, 96*time.Hour),
		fresh:        ms(t.Fresh, time.Minute),
		hold:         ms(t.Hold, 15*time.Minute),
		checkTimeout: ms(t.CheckTimeout, 5*time.Minute),
		followup:     ms(t.Followup, 15*time.Minute),
		lead:         ms(t.Lead, 10*time.Minute),
	}
	resolved.retry = max(resolved.checkTimeout, time.Minute.Milliseconds())
	return resolved
}

// WithoutChecks returns the rules with checks off, as a replay of events alone
// judges: nobody answers there.
func (rs *RuleSet) WithoutChecks() *RuleSet {
	off := *rs
	off.checks = false
	return &off
}

// ActionsPerHour bounds the actions of the org within any hour.
func (rs *RuleSet) ActionsPerHour() int { return rs.actions.PerHour }

// Hold is how long tiers wait for a source that makes no progress, milliseconds.
func (rs *RuleSet) Hold() int64 { return rs.timing.hold }

// policyFor returns the first policy that matches the episode, nil if none does.
func (rs *RuleSet) policyFor(ep *schemas.Episode) *policy {
	for i := range rs.policies {
		if rs.policies[i].match.holds(ep) {
			return &rs.policies[i]
		}
	}
	return nil
}

func (rs *RuleSet) policyNamed(name string) *policy {
	for i := range rs.policies {
		if rs.policies[i].name == name {
			return &rs.policies[i]
		}
	}
	return nil
}

func (p *policy) objective(name string) *objective {
	if p == nil {
		return nil
	}
	for i := range p.objectives {
		if p.objectives[i].name == name {
			return &p.objectives[i]
		}
	}
	return nil
}

// has reports whether the policy has this tier.
func (p *policy) has(name string, at int64) bool {
	o := p.objective(name)
	return o != nil && slices.ContainsFunc(o.tiers, func(t tier) bool { return t.at == at })
}

func (m *Match) holds(ep *schemas.Episode) bool {
	in := func(allowed []string, value string) bool {
		return len(allowed) == 0 || slices.Contains(allowed, value)
	}
	if !in(m.Media, ep.Media.GetValue()) || !in(m.MessageType, ep.MessageType.GetValue()) ||
		!in(m.Direction, direction(ep)) || !in(m.Queue, ep.Queue.GetValue()) || !in(m.Division, ep.Division.GetValue()) {
		return false
	}
	for key, want := range m.Attributes {
		if got, ok := ep.Attributes[key]; !ok || got.Value != want {
			return false
		}
	}
	return true
}
