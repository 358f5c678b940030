package main

import (
	"runtime/debug"
	"testing"
)

func TestCollectGarbageAt(t *testing.T) {
	percent := func() int {
		now := debug.SetGCPercent(100)
		debug.SetGCPercent(now)
		return now
	}
	before := percent()
	for _, c := range []struct {
		gogc string
		want int
	}{
		{"", processorGCPercent},
		{"80", before}, // whoever sets GOGC means it
	} {
		t.Setenv("GOGC", c.gogc)
		restore := collectGarbageAt(processorGCPercent)
		if got := percent(); got != c.want {
			t.Errorf("GOGC=%q: collected at %d per cent, want %d", c.gogc, got, c.want)
		}
		restore()
		if got := percent(); got != before {
			t.Errorf("GOGC=%q: left at %d per cent, want %d", c.gogc, got, before)
		}
	}
}
