package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// replaySummary counts what a replay read and decided.
type replaySummary struct {
	Lines       int            `json:"lines"`             // of files
	Records     int            `json:"records,omitempty"` // of the topic
	Unusable    map[string]int `json:"unusable"`
	UnknownOrgs map[string]int `json:"unknownOrgs"`
	Escalations map[string]int `json:"escalations"`
	Raised      []raisedCount  `json:"raised"`
	Against     *comparison    `json:"against,omitempty"`

	topic bool
}

func newReplaySummary(topic bool) replaySummary {
	return replaySummary{Unusable: map[string]int{}, UnknownOrgs: map[string]int{}, topic: topic}
}

// unit is what the history consists of.
func (s replaySummary) unit() string {
	if s.topic {
		return "record"
	}
	return "line"
}

func (s replaySummary) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(s)
	}
	row := func(n int, what string) { _, _ = fmt.Fprintf(w, "%8d  %s\n", n, what) }
	row(s.Lines+s.Records, s.unit()+"s read")
	for _, reason := range sortedKeys(s.Unusable) {
		row(s.Unusable[reason], "cannot be used: "+reason)
	}
	for _, org := range sortedKeys(s.UnknownOrgs) {
		row(s.UnknownOrgs[org], "ignored: no file for org "+org)
	}
	row(total(s.Escalations), "escalations")
	for _, kind := range sortedKeys(s.Escalations) {
		row(s.Escalations[kind], "  "+kind)
	}
	s.printRaised(row)
	if s.Against != nil {
		return s.Against.print(w)
	}
	return nil
}

// printRaised prints what was raised under each policy.
func (s replaySummary) printRaised(row func(n int, what string)) {
	orgs := false
	for _, c := range s.Raised {
		orgs = orgs || c.Org != s.Raised[0].Org
	}
	for rest := s.Raised; len(rest) > 0; {
		first, sum := rest[0], 0
		n := slices.IndexFunc(rest, func(c raisedCount) bool { return c.Org != first.Org || c.Policy != first.Policy })
		if n < 0 {
			n = len(rest)
		}
		for _, c := range rest[:n] {
			sum += c.Count
		}
		what := "raised under policy " + first.Policy
		if orgs {
			what += " of org " + first.Org
		}
		row(sum, what)
		for _, c := range rest[:n] {
			row(c.Count, "  "+c.Kind)
		}
		rest = rest[n:]
	}
}
