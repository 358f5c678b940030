package calendar

import (
	"fmt"
	"strings"
	"time"
)

const (
	// maxPerDay is how often a schedule may repeat within a day: every five
	// minutes. It bounds the memory of a page.
	maxPerDay = 288
	// maxRepeated is how long the occurrences of a repeated schedule may be.
	maxRepeated = fiveYears
)

// schedule is a Genesys schedule, its times on a clock without a zone.
type schedule struct {
	start  int64
	length int64       // in wall time, of each occurrence
	repeat *recurrence // nil: once
}

// spans appends the occurrences that touch the clock's stretch [from, to).
func (s *schedule) spans(spans []span, clock wallClock, from, to int64) []span {
	from, to = clock.wallOf(from)-reach-s.length, clock.wallOf(to)+reach
	add := func(wall int64) bool {
		spans = append(spans, clock.span(wall, window{0, s.length}))
		return true
	}
	switch {
	case s.repeat != nil:
		s.repeat.each(from, to, add)
	case from <= s.start && s.start <= to:
		add(s.start)
	}
	return spans
}

// The states of a Genesys schedule; only an active one counts.
const (
	stateActive   = "active"
	stateInactive = "inactive"
	stateDeleted  = "deleted"
)

// active reports whether the schedule counts.
func (s Schedule) active() bool {
	return s.State == "" || strings.EqualFold(s.State, stateActive)
}

// compile reads an active schedule. Its problems are those of the field.
func (s Schedule) compile(field string, loc *time.Location, problems *Problems) *schedule {
	start, errStart := parseLocal(s.Start)
	if errStart != nil {
		problems.add(field+".start", "%v", errStart)
	}
	end, errEnd := parseLocal(s.End)
	if errEnd != nil {
		problems.add(field+".end", "%v", errEnd)
	}
	if errStart != nil || errEnd != nil {
		return nil
	}
	result := &schedule{start: start, length: end - start}
	if end <= start {
		problems.add(field+".end", "%s does not lie after start, %s: write a later time", s.End, s.Start)
	}
	if strings.TrimSpace(s.RRule) == "" {
		return result
	}
	if end-start > maxRepeated {
		problems.add(field+".end", "lies more than 5 years after start: a schedule that repeats may last 5 years at most")
	}
	var err error
	if result.repeat, err = compileRule(s.RRule, start, loc); err != nil {
		problems.add(field+".rrule", "%q %v", s.RRule, err)
	}
	return result
}

// compileRule reads a rule that a page can hold and that matches at all.
func compileRule(text string, start int64, loc *time.Location) (*recurrence, error) {
	rule, err := parseRule(text)
	if err != nil {
		return nil, err
	}
	r := newRecurrence(rule, start, loc)
	perDay := r.times.perDay()
	if rule.Count > 0 {
		perDay = min(perDay, int64(rule.Count))
	}
	if perDay > maxPerDay {
		return nil, fmt.Errorf("repeats up to %d times a day: at most %d, every five minutes, are counted", perDay, maxPerDay)
	}
	if !r.matchesEver() {
		return nil, fmt.Errorf("never matches within %d years of the start: check its days, times and UNTIL", ruleYears)
	}
	if rule.Count > 0 {
		r.limitTo(rule.Count)
	}
	return r, nil
}

// parseLocal reads a local time without a zone, to the minute, the second or a
// fraction of up to nine digits, as a wall time.
func parseLocal(text string) (int64, error) {
	const minutes, seconds = "2006-01-02T15:04", "2006-01-02T15:04:05"
	layout := seconds
	if len(text) == len(minutes) {
		layout = minutes
	}
	t, err := time.Parse(layout, text)
	if err != nil || len(text) < len(layout) || strings.Contains(text, ",") {
		return 0, fmt.Errorf("%q is no local time: write 2026-01-05T09:00:00.000, without a zone", text)
	}
	return t.UnixMilli(), nil
}
