package calendar

import (
	"encoding/json"
	"strings"
	"testing"
)

const (
	officeJSON = `{"timezone": "Europe/Berlin", "weekly": {"mon": ["09:00-17:00"], "tue": ["09:00-17:00"], "wed": ["09:00-17:00"], "thu": ["09:00-17:00"], "fri": ["09:00-17:00"]}, "holidays": ["2026-12-25"], "closed": [{"from": "2026-05-04T10:00:00Z", "to": "2026-05-04T11:00:00Z"}]}`
	groupJSON  = `{"timeZone": "Europe/Berlin", "openSchedules": [{"start": "2026-01-05T09:00:00.000", "end": "2026-01-05T17:00:00.000", "rrule": "FREQ=WEEKLY;BYDAY=MO,TU"}], "closedSchedules": [], "holidaySchedules": []}`
)

func TestEval(t *testing.T) {
	var e Evaluator
	for _, tc := range []struct{ name, line, want string }{
		{"add, case 6", `{"calendar": ` + officeJSON + `, "op": "add", "start": "2026-02-27T16:45:00+01:00", "seconds": 12600}`, `{"result":"2026-03-02T11:15:00Z"}`},
		{"add nothing", `{"calendar": ` + officeJSON + `, "op": "add", "start": "2026-03-01T12:00:00Z", "seconds": 0}`, `{"result":"2026-03-01T12:00:00Z"}`},
		{"add a fraction", `{"calendar": "always", "op": "add", "start": "2026-03-01T12:00:00.25Z", "seconds": 1.5}`, `{"result":"2026-03-01T12:00:01.75Z"}`},
		{"closed stretch", `{"calendar": ` + officeJSON + `, "op": "add", "start": "2026-05-04T09:30:00Z", "seconds": 3600}`, `{"result":"2026-05-04T11:30:00Z"}`},
		{"elapsed", `{"calendar": ` + officeJSON + `, "op": "elapsed", "start": "2026-12-24T16:00:00+01:00", "end": "2026-12-28T10:00:00.999+01:00"}`, `{"seconds":7200}`},
		{"elapsed nothing", `{"calendar": ` + officeJSON + `, "op": "elapsed", "start": "2026-12-24T15:00:00Z", "end": "2026-12-24T16:00:00+01:00"}`, `{"seconds":0}`},
		{"schedule group", `{"calendar": {"schedule_group": ` + groupJSON + `}, "op": "add", "start": "2026-03-03T16:00:00+01:00", "seconds": 7200}`, `{"result":"2026-03-09T09:00:00Z"}`},
		{"schedule group in camel case", `{"calendar": {"scheduleGroup": ` + groupJSON + `}, "op": "add", "start": "2026-03-03T16:00:00+01:00", "seconds": 7200}`, `{"result":"2026-03-09T09:00:00Z"}`},
		{"synced", `{"calendar": {"schedule_group_id": "x"}, "op": "elapsed", "start": "2026-03-01T00:00:00Z", "end": "2026-03-01T00:01:00Z"}`, `{"seconds":60,"warning":"schedule_group_id x has no content here: counted as always"}`},
		{"occurrences", `{"op": "occurrences", "timezone": "America/Santiago", "dtstart": "2026-09-05T00:00:00", "rrule": "FREQ=DAILY", "limit": 2}`, `{"occurrences":["2026-09-05T00:00:00","2026-09-06T00:00:00"],"utc":["2026-09-05T04:00:00Z","2026-09-06T04:00:00Z"]}`},
		{"no occurrences", `{"op": "occurrences", "timezone": "UTC", "dtstart": "2026-09-05T00:00:00", "rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "limit": 2}`, `{"occurrences":[],"utc":[]}`},
		{"other keys of a request", `{"id": 7, "calendar": "always", "op": "add", "start": "2026-03-01T12:00:00Z", "seconds": 1}`, `{"result":"2026-03-01T12:00:01Z"}`},
	} {
		for range 2 { // compiled, and remembered
			if got := string(e.Eval([]byte(tc.line))); got != tc.want {
				t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
			}
		}
		if got := string(Eval([]byte(tc.line))); got != tc.want {
			t.Errorf("%s on its own: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestEvalErrors(t *testing.T) {
	for _, tc := range []struct{ name, line, want string }{
		{"no JSON", `add`, "no request"},
		{"nothing", ``, "no request"},
		{"no op", `{}`, `op ""`},
		{"unknown op", `{"op": "subtract"}`, `op "subtract"`},
		{"no calendar", `{"op": "add", "start": "2026-03-01T12:00:00Z", "seconds": 1}`, "calendar: is missing"},
		{"unknown key", `{"op": "add", "calendar": {"timezone": "UTC", "weekly": {"mon": ["09:00-17:00"]}, "holidais": []}, "start": "2026-03-01T12:00:00Z", "seconds": 1}`, "holidais"},
		{"unknown key in a schedule", `{"op": "add", "calendar": {"schedule_group": {"timeZone": "UTC", "openSchedules": [{"starts": "x"}]}}, "start": "2026-03-01T12:00:00Z", "seconds": 1}`, "starts"},
		{"group twice", `{"op": "add", "calendar": {"schedule_group": ` + groupJSON + `, "scheduleGroup": ` + groupJSON + `}, "start": "2026-03-01T12:00:00Z", "seconds": 1}`, "write it once"},
		{"problems", `{"op": "add", "calendar": {"timezone": "UTC", "weekly": {"mon": ["09:00-09:00"]}}, "start": "2026-03-01T12:00:00Z", "seconds": 1}`, "calendar: weekly.mon[0]: "},
		{"end before start", `{"op": "elapsed", "calendar": "always", "start": "2026-03-01T12:00:00Z", "end": "2026-03-01T11:59:59Z"}`, "end: "},
		{"no end", `{"op": "elapsed", "calendar": "always", "start": "2026-03-01T12:00:00Z"}`, "end: "},
		{"no seconds", `{"op": "add", "calendar": "always", "start": "2026-03-01T12:00:00Z"}`, "seconds: "},
		{"negative seconds", `{"op": "add", "calendar": "always", "start": "2026-03-01T12:00:00Z", "seconds": -1}`, "seconds: "},
		{"too many seconds", `{"op": "add", "calendar": "always", "start": "2026-03-01T12:00:00Z", "seconds": 1e300}`, "seconds: "},
		{"local start", `{"op": "add", "calendar": "always", "start": "2026-03-01T12:00:00", "seconds": 1}`, "start: "},
		{"start in 1969", `{"op": "add", "calendar": "always", "start": "1969-03-01T12:00:00Z", "seconds": 1}`, "start: "},
		{"never opens", `{"op": "add", "calendar": {"schedule_group": {"timeZone": "UTC", "openSchedules": [{"start": "2020-01-01T09:00", "end": "2020-01-01T17:00"}]}}, "start": "2026-03-01T12:00:00Z", "seconds": 1}`, "does not open again"},
		{"no limit", `{"op": "occurrences", "timezone": "UTC", "dtstart": "2026-09-05T00:00:00", "rrule": "FREQ=DAILY"}`, "limit"},
		{"limit 0", `{"op": "occurrences", "timezone": "UTC", "dtstart": "2026-09-05T00:00:00", "rrule": "FREQ=DAILY", "limit": 0}`, "limit"},
		{"no timezone", `{"op": "occurrences", "dtstart": "2026-09-05T00:00:00", "rrule": "FREQ=DAILY", "limit": 1}`, "timezone"},
		{"zoned dtstart", `{"op": "occurrences", "timezone": "UTC", "dtstart": "2026-09-05T00:00:00Z", "rrule": "FREQ=DAILY", "limit": 1}`, "dtstart"},
		{"bad rule", `{"op": "occurrences", "timezone": "UTC", "dtstart": "2026-09-05T00:00:00", "rrule": "FREQ=FORTNIGHTLY", "limit": 1}`, "rrule"},
	} {
		var answer struct{ Error string }
		out := Eval([]byte(tc.line))
		if err := json.Unmarshal(out, &answer); err != nil || !strings.Contains(answer.Error, tc.want) {
			t.Errorf("%s: %s, want an error with %q", tc.name, out, tc.want)
		}
	}
}

func FuzzEval(f *testing.F) {
	f.Add(`{"calendar": ` + officeJSON + `, "op": "add", "start": "2026-02-27T16:45:00+01:00", "seconds": 12600}`)
	f.Add(`{"calendar": {"schedule_group": ` + groupJSON + `}, "op": "elapsed", "start": "2026-03-03T16:00:00+01:00", "end": "2026-12-24T16:00:00+01:00"}`)
	f.Add(`{"op": "occurrences", "timezone": "America/Santiago", "dtstart": "2026-09-05T00:00:00", "rrule": "FREQ=DAILY", "limit": 2}`)
	f.Fuzz(func(t *testing.T, line string) {
		if out := Eval([]byte(line)); !json.Valid(out) || strings.Contains(string(out), "\n") {
			t.Errorf("%q answers %q", line, out)
		}
	})
}
