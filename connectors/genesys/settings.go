package genesys

import (
	"encoding/json"
	"slices"
	"time"

	"unpark/schemas"
)

const (
	// answerWithin is how long a request may wait while the org's API is in
	// trouble; then it is answered with the trouble.
	answerWithin = time.Minute
	// checkBudget bounds the calls of one check, on the wall; at a slow rate there
	// is more, for mostCalls.
	checkBudget = 45 * time.Second
	mostCalls   = 6
	// checkTimeout is the processor's default for how long it waits for an answer
	// (SLA.md 5), and spare how much earlier the verifier gives up.
	checkTimeout = 5 * time.Minute
	spare        = 30 * time.Second
	// slots is how many requests of one org are worked on at a time.
	slots = 4
	// maxWaiting bounds the requests of one org that wait.
	maxWaiting = 10_000
	// maxUnsettled bounds those of one partition; beyond it is not read.
	maxUnsettled = 50_000
)

// Configs finds the newest configuration of orgs.
type Configs interface {
	// NewestRules returns the part rules of an org.
	NewestRules(org string) (json []byte, version string, ok bool)
	// Orgs returns the ids of the orgs that have rules.
	Orgs() []string
}

// Modes of actions.
const (
	actionsOff  = "off"
	actionsLive = "live"
)

// settings is what the verifier reads of an org's rules.
type settings struct {
	Genesys *Connection `json:"genesys"`
	Checks  bool        `json:"checks"`
	// Actions are bounded by the processor too; what counts here is the newest
	// version of the rules, directly before the call.
	Actions struct {
		Mode    string `json:"mode"`
		PerHour int    `json:"perHour"`
	} `json:"actions"`
	Timing struct {
		CheckTimeout *schemas.Duration `json:"checkTimeout"`
		Settle       *schemas.Duration `json:"settle"`
	} `json:"timing"`
	Calendars map[string]calendarSettings `json:"calendars"`
}

type calendarSettings struct {
	ScheduleGroupID string `json:"scheduleGroupId"`
}

// groups are the ids of the schedule groups that calendars name, sorted.
func (s settings) groups() []string {
	var ids []string
	for _, c := range s.Calendars {
		if c.ScheduleGroupID != "" {
			ids = append(ids, c.ScheduleGroupID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// parseSettings returns nothing of what cannot be read: the processor refuses
// such a version and says so.
func parseSettings(rules []byte) settings {
	var s settings
	if json.Unmarshal(rules, &s) != nil {
		return settings{}
	}
	return s
}

// connection returns how the org is reached; ok is false if it is not.
func (s settings) connection() (Connection, bool) {
	if s.Genesys == nil || len(s.Genesys.Validate()) > 0 {
		return Connection{}, false
	}
	return *s.Genesys, true
}

// useful is how long after it was made a request is worth an answer.
func (s settings) useful() time.Duration {
	timeout := checkTimeout
	if s.Timing.CheckTimeout != nil && *s.Timing.CheckTimeout > 0 {
		timeout = time.Duration(*s.Timing.CheckTimeout)
	}
	return timeout - min(spare, timeout/10)
}

// settle is how long after an episode's end a start still belongs to it (SLA.md 2).
func (s settings) settle() time.Duration {
	if s.Timing.Settle != nil {
		return time.Duration(*s.Timing.Settle)
	}
	return 2 * time.Minute
}
