package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"unpark/connectors/notify/text"
	"unpark/processor/calendar"
	"unpark/schemas"
)

// Configs tells the rules of orgs: their files as JSON, as they stand on
// org-config.
type Configs interface {
	// Rules returns one version of an org's rules. It says false only if it knows
	// that there is none, and fails if it cannot know.
	Rules(ctx context.Context, org, version string) ([]byte, bool, error)
	// NewestRules returns the newest version.
	NewestRules(org string) ([]byte, bool)
	// NewestSchedules returns the content of the org's schedule groups that was synced
	// last.
	NewestSchedules(org string) ([]byte, bool)
}

// orgRules is the part of an org file that says whom to tell.
type orgRules struct {
	Name     string `json:"name"`
	Timezone string `json:"timezone"`
	Policies []struct {
		Name       string `json:"name"`
		Objectives []struct {
			Objective string `json:"objective"`
			Tiers     []struct {
				At     schemas.Duration `json:"at"`
				Notify []string         `json:"notify"`
			} `json:"tiers"`
		} `json:"objectives"`
	} `json:"policies"`
	Routes    Routes                     `json:"routes"`
	Calendars map[string]calendar.Config `json:"calendars"`
	Texts     text.Rules                 `json:"texts"`
	// Genesys is where the org's pages are.
	Genesys struct {
		Region string `json:"region"`
		API    string `json:"api"`
	} `json:"genesys"`

	// Of the org's newest rules alone.
	way   plan                // without targets
	reach map[string][]target // of each route

	mu       sync.Mutex
	compiled map[string]*calendar.Calendar
}

// defaultRoute is what the tiers of the default policy notify (SLA.md section 7).
const defaultRoute = "default"

// target is a destination that an escalation is to be told to. A target with a
// problem is a part of the route that leads nowhere.
type target struct {
	// name is org/route/index, org/route or org: as much as is known. It is what
	// HeaderDestination holds, and says nothing secret.
	name        string
	destination Destination
	address     string // the destination's
	problem     *Error
}

// plan is whom to tell of one escalation, and how to speak of its org.
type plan struct {
	targets []target
	orgName string
	zone    *time.Location
	texts   *text.Set
	link    func(conversation string) string
}

// message is what a destination of the plan is told of an escalation by itself.
func (p plan) message(e *schemas.Escalation, value []byte) Message {
	return Message{
		Kind: kindOf(e.Status), Escalation: e, Value: value,
		OrgName: p.orgName, Zone: p.zone, Texts: p.texts, Link: p.link(e.Conversation),
	}
}

// route finds whom to tell: the tier of the version that raised the escalation
// names the routes, so that a later edit does not redirect what was promised; the
// newest version says what stands behind them, so that a repaired address is used
// at once. A route that sleeps at now hands over to the one that it names.
func (b *rulebook) route(ctx context.Context, e *schemas.Escalation, now time.Time) (plan, error) {
	names, known, err := b.notifyOf(ctx, e)
	if err != nil {
		return plan{}, err
	}
	rules, err := b.newest(e.Org)
	if err != nil {
		return plan{}, err
	}
	if !known {
		return plan{}, Permanent(reasonUnknownVersion, fmt.Errorf("org %s has no rules of version %s", e.Org, e.PolicyVersion))
	}
	p := rules.way
	for _, name := range names {
		p.add(rules.targets(e.Org, rules.awake(name, now))...)
	}
	return p, nil
}

// notifyOf returns the routes that the escalation's tier names; false if its
// version is not known.
func (b *rulebook) notifyOf(ctx context.Context, e *schemas.Escalation) ([]string, bool, error) {
	version, known, err := b.configs.Rules(ctx, e.Org, e.PolicyVersion)
	if err != nil {
		return nil, false, Retryable(reasonConfig, fmt.Errorf("rules of %s, version %s: %w", e.Org, e.PolicyVersion, err))
	}
	if !known {
		return nil, false, nil
	}
	rules, err := b.version(e.Org+"/"+e.PolicyVersion, version)
	if err != nil {
		return nil, false, err
	}
	names, err := rules.notify(e)
	return names, true, err
}

func (r *orgRules) notify(e *schemas.Escalation) ([]string, error) {
	if len(r.Policies) == 0 {
		return []string{defaultRoute}, nil
	}
	for _, p := range r.Policies {
		for _, o := range p.Objectives {
			for _, t := range o.Tiers {
				if p.Name == e.Policy && o.Objective == e.Objective && t.At.Milliseconds()/1000 == e.TierSeconds {
					return t.Notify, nil
				}
			}
		}
	}
	return nil, Permanent(reasonUnknownTier, fmt.Errorf("version %s has no tier at %ds for %s in policy %s", e.PolicyVersion, e.TierSeconds, e.Objective, e.Policy))
}

func decodeRules(value []byte) (*orgRules, error) {
	r := new(orgRules)
	if err := json.Unmarshal(value, r); err != nil {
		return nil, Permanent(reasonRules, errors.New("the org's rules cannot be decoded"))
	}
	return r, nil
}

// plan reads what is to be known of every message of the org: a time zone comes from a
// file each time.
func (r *orgRules) plan() plan {
	zone, err := time.LoadLocation(r.Timezone)
	if err != nil {
		zone = time.UTC // lint refuses it; a text in UTC is better than none
	}
	texts, _ := text.Compile(r.Texts)
	if texts == nil {
		texts = new(text.Set) // lint refuses them; the defaults are better than none
	}
	return plan{orgName: r.Name, zone: zone, texts: texts, link: func(conversation string) string {
		return text.Link(r.Genesys.Region, r.Genesys.API, conversation)
	}}
}

// lead finds what stands behind the routes, and how to speak of the org.
func (r *orgRules) lead(org string) {
	r.way, r.reach = r.plan(), make(map[string][]target, len(r.Routes))
	for name, route := range r.Routes {
		for i, d := range route.To {
			r.reach[name] = append(r.reach[name], target{name: org + "/" + name + "/" + strconv.Itoa(i), destination: d, address: d.address()})
		}
	}
}

// targets returns the destinations of a route, which are not the caller's to change.
func (r *orgRules) targets(org, routeName string) []target {
	if ts := r.reach[routeName]; len(ts) > 0 {
		return ts
	}
	name := org + "/" + routeName
	return []target{{name: name, problem: Permanent(reasonUnknownRoute, fmt.Errorf("route %s has no destination", name))}}
}

// add adds targets, each destination once: two routes may lead to one channel.
func (p *plan) add(ts ...target) {
	for _, t := range ts {
		same := func(o target) bool {
			return o.problem == nil && t.problem == nil && o.address == t.address
		}
		if !slices.ContainsFunc(p.targets, same) {
			p.targets = append(p.targets, t)
		}
	}
}

// find returns what a dead letter's destination stands for now: org/route/index,
// or org/route for all of it.
func (b *rulebook) find(org, name string) (plan, error) {
	rules, err := b.newest(org)
	if err != nil {
		return plan{}, err
	}
	rest, ok := strings.CutPrefix(name, org+"/")
	if !ok {
		return plan{}, Permanent(reasonUnknownRoute, fmt.Errorf("%s is no destination of org %s", name, org))
	}
	routeName, _, indexed := strings.Cut(rest, "/")
	p := rules.way
	for _, t := range rules.targets(org, routeName) {
		if !indexed || t.name == name || t.problem != nil {
			p.add(t)
		}
	}
	if len(p.targets) == 0 {
		return plan{}, Permanent(reasonUnknownRoute, fmt.Errorf("%s has no such destination any more", name))
	}
	return p, nil
}
