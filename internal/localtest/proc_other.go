//go:build unix && !linux

package localtest

import "syscall"

// dieWithParent has no counterpart here: what a killed test leaves behind is to
// be ended by hand.
func dieWithParent(*syscall.SysProcAttr) {}
