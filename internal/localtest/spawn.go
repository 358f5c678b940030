package localtest

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// Spawn starts a command that dies with this process, also when it is killed (on
// Linux). exited is closed when the command has ended and was waited for, or
// could not be started.
func Spawn(cmd *exec.Cmd) (exited <-chan struct{}, err error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	dieWithParent(cmd.SysProcAttr)
	return launch(cmd)
}

func launch(cmd *exec.Cmd) (<-chan struct{}, error) {
	started, exited := make(chan error), make(chan struct{})
	go func() {
		// "Dies with its parent" means the thread that started it, which therefore
		// must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in cmd.ProcessState and its log
		}
		close(exited)
	}()
	return exited, <-started
}

// Python returns an interpreter that has confluent-kafka and jsonschema, for a
// test that reads a topic as somebody else's program does.
func Python(t testing.TB) string {
	t.Helper()
	skipIfShort(t)
	venv, err := fetch("consumer")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(venv, "bin", "python3")
}
