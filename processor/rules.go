package processor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"unpark/processor/calendar"
	"unpark/processor/sla"
	"unpark/processor/stream"
	"unpark/schemas"
)

// Configs finds versions of org configurations. Versions are immutable.
type Configs interface {
	// Get returns the JSON of a version. ok is false only if org-config does not
	// hold it up to an end offset read after the call.
	Get(ctx context.Context, key schemas.OrgConfigKey) (json []byte, ok bool, err error)
}

// errUnusable marks a version that org-config holds and that no rules can be made
// of.
var errUnusable = errors.New("unusable configuration")

// Rules holds the compiled versions of org rules that a process uses. It is
// shared by the handlers of all partitions and safe for concurrent use.
type Rules struct {
	configs Configs
	// checksOff judges as with `checks: off`, whatever the versions say.
	checksOff bool

	mu       sync.Mutex
	compiled map[edition]*sla.RuleSet
}

// edition is what an org is judged by: a version of its rules, and the version of
// the schedules that fills their calendars. An empty one is none.
type edition struct{ org, rules, schedules string }

// editionOf is what is in force for an org.
func editionOf(org string, st *schemas.OrgState) edition {
	return edition{org, st.GetActive()[schemas.PartRules], st.GetActive()[schemas.PartSchedules]}
}

// NewRules returns an empty Rules that reads versions from configs.
func NewRules(configs Configs) *Rules {
	return &Rules{configs: configs, compiled: make(map[edition]*sla.RuleSet)}
}

// NewRulesWithoutChecks is NewRules for a history of events alone: nobody answers
// there, so every version is judged as with checks off.
func NewRulesWithoutChecks(configs Configs) *Rules {
	r := NewRules(configs)
	r.checksOff = true
	return r
}

// InForce returns the rules that are in force for an org by a partition's state, nil
// if there are none.
func (r *Rules) InForce(ctx context.Context, org string, st *schemas.OrgState) (*sla.RuleSet, error) {
	e := editionOf(org, st)
	if e.rules == "" {
		return nil, nil
	}
	rs, err := r.Get(ctx, org, e.rules, e.schedules)
	if err == nil && rs == nil {
		err = stream.Unavailable(fmt.Errorf("rules %s of org %s are in force and gone from org-config, or its schedules %s are", e.rules, org, e.schedules))
	}
	return rs, err
}

// Get returns a version of an org's rules with the calendars that need it filled from
// a version of the schedules (empty: from none). It is nil if org-config does not
// hold both.
func (r *Rules) Get(ctx context.Context, org, version, schedules string) (*sla.RuleSet, error) {
	e := edition{org, version, schedules}
	r.mu.Lock()
	rs, ok := r.compiled[e]
	r.mu.Unlock()
	if ok {
		return rs, nil
	}
	rs, err := r.compile(ctx, e)
	if err != nil || rs == nil {
		return nil, err
	}
	e.org = strings.Clone(org) // it outlives what it came with
	r.mu.Lock()
	defer r.mu.Unlock()
	r.compiled[e] = rs
	return rs, nil
}

// lookUpTimeout is how long a partition, and those that are worked beside it, wait for
// org-config.
const lookUpTimeout = 2 * time.Second

// lookUp is Configs.Get for so long. What it fails of may pass.
func (r *Rules) lookUp(ctx context.Context, key schemas.OrgConfigKey) (json []byte, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	if json, ok, err = r.configs.Get(ctx, key); err != nil {
		return nil, false, stream.Unavailable(err)
	}
	return json, ok, nil
}

func (r *Rules) compile(ctx context.Context, e edition) (*sla.RuleSet, error) {
	data, ok, err := r.lookUp(ctx, schemas.OrgConfigKey{Org: e.org, Part: schemas.PartRules, Version: e.rules})
	if err != nil || !ok {
		return nil, err
	}
	var rules sla.Rules
	if err := json.Unmarshal(data, &rules); err != nil {
		return nil, fmt.Errorf("%w: rules %s of org %s: %w", errUnusable, e.rules, e.org, err)
	}
	if !rules.NeedsSchedules() {
		e.schedules = ""
	}
	if e.schedules != "" {
		groups, ok, err := r.groups(ctx, e.org, e.schedules)
		if err != nil || !ok {
			return nil, err
		}
		rules = rules.WithSchedules(groups)
	}
	rs, err := sla.Compile(rules, e.rules)
	if err != nil {
		return nil, fmt.Errorf("%w: rules %s of org %s: %w", errUnusable, e.rules, e.org, err)
	}
	rs.Schedules = e.schedules
	if r.checksOff {
		rs = rs.WithoutChecks()
	}
	return rs, nil
}

// groups returns a version of an org's schedules, every group of which is a calendar;
// ok is false if org-config does not hold it.
func (r *Rules) groups(ctx context.Context, org, version string) (groups calendar.Groups, ok bool, err error) {
	data, ok, err := r.lookUp(ctx, schemas.OrgConfigKey{Org: org, Part: schemas.PartSchedules, Version: version})
	if err != nil || !ok {
		return nil, false, err
	}
	groups, err = calendar.ParseGroups(data)
	if err == nil {
		err = groups.Compile()
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w: schedules %s of org %s: %w", errUnusable, version, org, err)
	}
	return groups, true, nil
}
