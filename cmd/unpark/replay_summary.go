package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// replaySummary counts what a replay read and decided.
type replaySummary struct {
	Lines       int            `json:"lines"`
	Unusable    map[string]int `json:"unusable"`
	UnknownOrgs map[string]int `json:"unknownOrgs"`
	Escalations map[string]int `json:"escalations"`
}

func newReplaySummary() replaySummary {
	return replaySummary{Unusable: map[string]int{}, UnknownOrgs: map[string]int{}, Escalations: map[string]int{}}
}

func (s replaySummary) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(s)
	}
	row := func(n int, what string) { _, _ = fmt.Fprintf(w, "%8d  %s\n", n, what) }
	row(s.Lines, "lines read")
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
	return nil
}
