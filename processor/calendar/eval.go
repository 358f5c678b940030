package calendar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Evaluator answers the lines of unpark calendar eval. It remembers the
// calendars that it compiled; it is for one goroutine. Its zero value is ready.
type Evaluator struct {
	calendars map[string]compiled // by their JSON
}

type compiled struct {
	calendar *Calendar
	warning  string
}

// maxRemembered bounds an Evaluator's memory: scripts ask about a few
// calendars, many times.
const maxRemembered = 64

// Eval answers one line on its own, as an Evaluator does.
func Eval(line []byte) []byte { return new(Evaluator).Eval(line) }

// Eval answers one JSON line with one JSON line, without the line break:
// {"op": "add"}, "elapsed" and "occurrences" as `unpark calendar eval --help` has them,
// {"error": "..."} if the line cannot be answered.
func (e *Evaluator) Eval(line []byte) []byte {
	answer, err := e.answer(line)
	if err != nil {
		answer = map[string]any{"error": err.Error()}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		panic(err) // maps of strings and numbers only
	}
	return bytes.TrimSpace(out.Bytes())
}

// request is a line; which fields it needs depends on its op.
type request struct {
	Op       string          `json:"op"`
	Calendar json.RawMessage `json:"calendar"`
	Start    *string         `json:"start"`
	End      *string         `json:"end"`
	Seconds  *float64        `json:"seconds"`

	Timezone string `json:"timezone"`
	DTStart  string `json:"dtstart"`
	RRule    string `json:"rrule"`
	Limit    *int   `json:"limit"`
}

func (e *Evaluator) answer(line []byte) (map[string]any, error) {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, fmt.Errorf("no request: %w", err)
	}
	switch r.Op {
	case "add", "elapsed":
		c, err := e.compile(r.Calendar)
		if err != nil {
			return nil, fmt.Errorf("calendar: %w", err)
		}
		answer, err := r.count(c.calendar)
		if err == nil && c.warning != "" {
			answer["warning"] = c.warning
		}
		return answer, err
	case "occurrences":
		return r.occurrences()
	}
	return nil, fmt.Errorf("op %q: write add, elapsed or occurrences", r.Op)
}

func (r *request) count(c *Calendar) (map[string]any, error) {
	start, err := parseInstant("start", r.Start)
	if err != nil {
		return nil, err
	}
	if r.Op == "add" {
		return r.add(c, start)
	}
	end, err := parseInstant("end", r.End)
	if err != nil {
		return nil, err
	}
	if end < start {
		return nil, fmt.Errorf("end: %s lies before start, %s", *r.End, *r.Start)
	}
	return map[string]any{"seconds": c.Elapsed(start, end) / 1000}, nil
}

func (r *request) add(c *Calendar, start int64) (map[string]any, error) {
	if r.Seconds == nil || *r.Seconds < 0 {
		return nil, errors.New("seconds: write how much open time to add, 0 or more")
	}
	ms := math.Round(*r.Seconds * 1000)
	if ms > float64(lastMilli) {
		return nil, fmt.Errorf("seconds: %g is more than can be counted", *r.Seconds)
	}
	due, ok := c.Add(start, int64(ms))
	if !ok || due > lastMilli {
		return nil, errors.New("no result: the calendar does not open again within 5 years, or not until 2109")
	}
	return map[string]any{"result": formatInstant(due)}, nil
}

func (r *request) occurrences() (map[string]any, error) {
	if r.Limit == nil {
		return nil, fmt.Errorf("limit: write how many to list, 1 to %d", maxOccurrences)
	}
	local, utc, err := Occurrences(r.Timezone, r.DTStart, r.RRule, *r.Limit)
	if err != nil {
		return nil, err
	}
	return map[string]any{"occurrences": append([]string{}, local...), "utc": append([]string{}, utc...)}, nil
}

// parseInstant reads RFC 3339, to the millisecond, within what a calendar
// covers.
func parseInstant(field string, text *string) (int64, error) {
	if text == nil {
		return 0, fmt.Errorf("%s: is missing: write 2026-03-02T12:15:00Z", field)
	}
	t, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no instant: write 2026-03-02T12:15:00Z", field, *text)
	}
	if ms := t.UnixMilli(); ms == clampInstant(ms) {
		return ms, nil
	}
	return 0, fmt.Errorf("%s: %s lies outside 1970 to 2109", field, *text)
}

// wireConfig is Config as the org file spells it. Genesys's camelCase is
// understood too.
type wireConfig struct {
	Timezone string              `json:"timezone"`
	Weekly   map[string][]string `json:"weekly"`
	Holidays []string            `json:"holidays"`
	Closed   []Stretch           `json:"closed"`

	ScheduleGroup        *ScheduleGroup `json:"schedule_group"`
	ScheduleGroupID      string         `json:"schedule_group_id"`
	ScheduleGroupCamel   *ScheduleGroup `json:"scheduleGroup"`
	ScheduleGroupIDCamel string         `json:"scheduleGroupId"`
}

func (w wireConfig) config() (Config, error) {
	cfg := Config{
		Timezone: w.Timezone, Weekly: w.Weekly, Holidays: w.Holidays, Closed: w.Closed,
		ScheduleGroup: w.ScheduleGroup, ScheduleGroupID: w.ScheduleGroupID,
	}
	if w.ScheduleGroupCamel != nil {
		if cfg.ScheduleGroup != nil {
			return Config{}, errors.New("schedule_group: stands there as scheduleGroup too: write it once")
		}
		cfg.ScheduleGroup = w.ScheduleGroupCamel
	}
	if w.ScheduleGroupIDCamel != "" {
		cfg.ScheduleGroupID = w.ScheduleGroupIDCamel
	}
	return cfg, nil
}

// compile reads a calendar, or the word "always".
func (e *Evaluator) compile(raw json.RawMessage) (compiled, error) {
	if c, ok := e.calendars[string(raw)]; ok {
		return c, nil
	}
	c, err := compileJSON(raw)
	if err != nil {
		return compiled{}, err
	}
	if e.calendars == nil || len(e.calendars) >= maxRemembered {
		e.calendars = make(map[string]compiled)
	}
	e.calendars[string(raw)] = c
	return c, nil
}

func compileJSON(raw json.RawMessage) (compiled, error) {
	switch string(raw) {
	case "", "null":
		return compiled{}, errors.New(`is missing: write "always", or timezone and weekly, or schedule_group`)
	case `"always"`:
		return compiled{calendar: Always()}, nil
	}
	var w wireConfig
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&w); err != nil && err != io.EOF {
		return compiled{}, err
	}
	cfg, err := w.config()
	if err != nil {
		return compiled{}, err
	}
	calendar, err := Compile(cfg)
	if err != nil {
		return compiled{}, err
	}
	c := compiled{calendar: calendar}
	if cfg.Synced() {
		c.warning = "schedule_group_id " + cfg.ScheduleGroupID + " has no content here: counted as always"
	}
	return c, nil
}
