package kafka

import (
	"os"

	"golang.org/x/sys/windows"
)

// lock takes the file for this process; the system lets go of it when the
// process dies, however it does.
func lock(f *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
}
