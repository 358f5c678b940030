package sla

import (
	"time"

	"unpark/processor/calendar"
	"unpark/schemas"
)

// Rules is what one version of an org's configuration says of its clocks: the
// part of an org file that the processor reads (SLA.md section 7).
type Rules struct {
	ID         string                     `json:"id" yaml:"id"`
	Timezone   string                     `json:"timezone,omitempty" yaml:"timezone"`
	Checks     bool                       `json:"checks" yaml:"checks"`
	Attributes []string                   `json:"attributes,omitempty" yaml:"attributes"`
	Timing     Timing                     `json:"timing" yaml:"timing"`
	Policies   []Policy                   `json:"policies" yaml:"policies"`
	Calendars  map[string]calendar.Config `json:"calendars,omitempty" yaml:"calendars"`
	Actions    Actions                    `json:"actions,omitzero" yaml:"actions"`
}

// Actions says what may be done to conversations.
type Actions struct {
	Mode string `json:"mode" yaml:"mode"` // off, dry_run (default), live
	// PerHour bounds the actions taken within any hour.
	PerHour int `json:"perHour" yaml:"per_hour"`
}

// DefaultActions is what an org file without actions gets.
func DefaultActions() Actions { return Actions{Mode: ActionsDryRun, PerHour: 20} }

// Timing holds an org's waits; zero means the default.
type Timing struct {
	Grace        *schemas.Duration `json:"grace,omitempty" yaml:"grace"`
	Settle       *schemas.Duration `json:"settle,omitempty" yaml:"settle"`
	Late         *schemas.Duration `json:"late,omitempty" yaml:"late"`
	Fresh        *schemas.Duration `json:"fresh,omitempty" yaml:"fresh"`
	CheckTimeout *schemas.Duration `json:"checkTimeout,omitempty" yaml:"check_timeout"`
	Followup     *schemas.Duration `json:"followup,omitempty" yaml:"followup"`
	Lead         *schemas.Duration `json:"lead,omitempty" yaml:"lead"`
	Hold         *schemas.Duration `json:"hold,omitempty" yaml:"hold"`
}

// Policy is a set of promises for the conversations it matches.
type Policy struct {
	Name       string      `json:"name" yaml:"name"`
	Match      Match       `json:"match" yaml:"match"`
	Bots       string      `json:"bots,omitempty" yaml:"bots"` // ignore (default) or reply
	Objectives []Objective `json:"objectives" yaml:"objectives"`
}

// Match says which conversations a policy is for: every key that is set must
// hold. Lists hold if any of their values does, attributes if all do.
type Match struct {
	Media       []string `json:"media,omitempty" yaml:"media"`
	MessageType []string `json:"messageType,omitempty" yaml:"message_type"`
	Direction   []string `json:"direction,omitempty" yaml:"direction"`
	Queue       []string `json:"queue,omitempty" yaml:"queue"`
	// QueueName are names of queues in an org's file, beside the ids in Queue. Genesys
	// knows their ids, which take their place when the file is applied; nothing can
	// be judged by them.
	QueueName  []string          `json:"queueName,omitempty" yaml:"queue_name"`
	Division   []string          `json:"division,omitempty" yaml:"division"`
	Attributes map[string]string `json:"attributes,omitempty" yaml:"attributes"`
}

// Objective is a promise about one stretch (SLA.md section 4).
type Objective struct {
	Objective string `json:"objective" yaml:"objective"` // reply, first_reply, resolution, open
	Hours     string `json:"hours" yaml:"hours"`         // a calendar's name, or always
	Tiers     []Tier `json:"tiers" yaml:"tiers"`
}

// Tier is a step on the way to breaking a promise.
type Tier struct {
	At     schemas.Duration `json:"at" yaml:"at"`
	Kind   string           `json:"kind" yaml:"kind"`                    // warning, breach, action
	Action string           `json:"action,omitempty" yaml:"action"`      // requeue, disconnect
	Notify []string         `json:"notify,omitempty" yaml:"notify,flow"` // routes
}

// Objectives, kinds, actions and settings, as org files write them.
const (
	Reply      = "reply"
	FirstReply = "first_reply"
	Resolution = "resolution"
	Open       = "open"

	KindWarning = "warning"
	KindBreach  = "breach"
	KindAction  = "action"

	ActionRequeue    = "requeue"
	ActionDisconnect = "disconnect"

	ActionsOff    = "off"
	ActionsDryRun = "dry_run"
	ActionsLive   = "live"

	BotsIgnore = "ignore"
	BotsReply  = "reply"

	// HoursAlways counts every second; any other value of Hours is a calendar.
	HoursAlways = "always"
)

// DefaultPolicies is what an org file without policies gets (SLA.md section 7).
func DefaultPolicies() []Policy {
	const route = "default"
	return []Policy{{
		Name:  "default",
		Match: Match{Media: []string{"email", "message"}},
		Objectives: []Objective{
			{Objective: Reply, Hours: HoursAlways, Tiers: []Tier{
				{At: hours(3.5), Kind: KindWarning, Notify: []string{route}},
				{At: hours(4), Kind: KindBreach, Notify: []string{route}},
			}},
			{Objective: Open, Hours: HoursAlways, Tiers: []Tier{
				{At: hours(48), Kind: KindAction, Action: ActionRequeue, Notify: []string{route}},
			}},
		},
	}}
}

func hours(h float64) schemas.Duration { return schemas.Duration(h * float64(time.Hour)) }
