package calendar

// Config is a calendar as an org file has it: inline hours (weekly, holidays,
// closed), a Genesys schedule group, or the id of one that is synced. Exactly
// one of the three forms is used (SLA.md section 4).
type Config struct {
	// Timezone is the IANA zone in which inline wall times are read.
	Timezone string `json:"timezone,omitempty" yaml:"timezone"`
	// Weekly maps mon, tue, wed, thu, fri, sat, sun to windows "HH:MM-HH:MM".
	Weekly map[string][]string `json:"weekly,omitempty" yaml:"weekly"`
	// Holidays are local dates, "2006-01-02".
	Holidays []string `json:"holidays,omitempty" yaml:"holidays"`
	// Closed are stretches of real time in which nothing counts.
	Closed []Stretch `json:"closed,omitempty" yaml:"closed"`

	// ScheduleGroup beside ScheduleGroupID is the content of that group (With).
	ScheduleGroup   *ScheduleGroup `json:"scheduleGroup,omitempty" yaml:"schedule_group"`
	ScheduleGroupID string         `json:"scheduleGroupId,omitempty" yaml:"schedule_group_id"`
}

// Stretch is the half-open time [From, To), RFC 3339.
type Stretch struct {
	From string `json:"from" yaml:"from"`
	To   string `json:"to" yaml:"to"`
}

// ScheduleGroup is a Genesys schedule group with its schedules, in Genesys's
// own words (GET /api/v2/architect/schedulegroups).
type ScheduleGroup struct {
	Name             string     `json:"name,omitempty" yaml:"name"` // for people
	TimeZone         string     `json:"timeZone" yaml:"timeZone"`
	OpenSchedules    []Schedule `json:"openSchedules" yaml:"openSchedules"`
	ClosedSchedules  []Schedule `json:"closedSchedules,omitempty" yaml:"closedSchedules"`
	HolidaySchedules []Schedule `json:"holidaySchedules,omitempty" yaml:"holidaySchedules"`
}

// Schedule is a Genesys schedule: local times without a zone, repeated by an
// RFC 5545 recurrence rule (empty: once).
type Schedule struct {
	ID    string `json:"id,omitempty" yaml:"id"`       // as Genesys has it; decides nothing
	Name  string `json:"name,omitempty" yaml:"name"`   // for people
	State string `json:"state,omitempty" yaml:"state"` // active (also when empty), inactive, deleted
	Start string `json:"start" yaml:"start"`
	End   string `json:"end" yaml:"end"`
	RRule string `json:"rrule,omitempty" yaml:"rrule"`
}
