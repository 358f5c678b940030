package processor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"unpark/processor/sla"
	"unpark/schemas"
)

// Configs finds versions of org configurations. Versions are immutable.
type Configs interface {
	// Rules returns the JSON of a version of an org's rules. ok is false only if
	// org-config does not hold it up to an end offset read after the call.
	Rules(ctx context.Context, org, version string) (json []byte, ok bool, err error)
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
	compiled map[schemas.OrgConfigKey]*sla.RuleSet
}

// NewRules returns an empty Rules that reads versions from configs.
func NewRules(configs Configs) *Rules {
	return &Rules{configs: configs, compiled: make(map[schemas.OrgConfigKey]*sla.RuleSet)}
}

// NewRulesWithoutChecks is NewRules for a history of events alone: nobody answers
// there, so every version is judged as with checks off.
func NewRulesWithoutChecks(configs Configs) *Rules {
	r := NewRules(configs)
	r.checksOff = true
	return r
}

// Get returns a version of an org's rules, nil if org-config does not hold it.
func (r *Rules) Get(ctx context.Context, org, version string) (*sla.RuleSet, error) {
	key := schemas.OrgConfigKey{Org: org, Part: schemas.PartRules, Version: version}
	r.mu.Lock()
	rs, ok := r.compiled[key]
	r.mu.Unlock()
	if ok {
		return rs, nil
	}
	data, ok, err := r.configs.Rules(ctx, org, version)
	if err != nil || !ok {
		return nil, err
	}
	var rules sla.Rules
	if err := json.Unmarshal(data, &rules); err != nil {
		return nil, fmt.Errorf("%w: rules %s of org %s: %w", errUnusable, version, org, err)
	}
	rs, err = sla.Compile(rules, version)
	if err != nil {
		return nil, fmt.Errorf("%w: rules %s of org %s: %w", errUnusable, version, org, err)
	}
	if r.checksOff {
		rs = rs.WithoutChecks()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.compiled[key] = rs
	return rs, nil
}
