//go:build unix

package kafka

import (
	"os"
	"syscall"
)

// lock takes the file for this process; the system lets go of it when the
// process dies, however it does.
func lock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
