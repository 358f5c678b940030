package main

import (
	"os"
	"runtime/debug"
)

// How much garbage there may be before it is collected, in per cent of what is in use.
const (
	// Half of what a processor has in use are the layers of its store, which hold no
	// pointers: to collect more often costs it next to nothing.
	processorGCPercent = 50
	// A replay has a little in use, makes much, and has the machine to itself.
	replayGCPercent = 300
)

// collectGarbageAt sets it until restore is called. GOGC goes before it.
func collectGarbageAt(percent int) (restore func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(before) }
}
