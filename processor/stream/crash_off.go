//go:build !crashpoints

package stream

import "github.com/twmb/franz-go/pkg/kgo"

// crashpoint marks a place at which a process of the kill matrix ends itself; see
// crash_on.go. In every other build it is nothing.
func crashpoint(string) {}

// crashFlushInterval is how often a process of the kill matrix flushes; here: as
// the store has it.
const crashFlushInterval = 0

func crashHooks() []kgo.Opt { return nil }
