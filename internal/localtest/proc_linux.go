package localtest

import "syscall"

// dieWithParent ends the server when the test is killed and cannot clean up.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
