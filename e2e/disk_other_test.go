//go:build !linux

package e2e

import "testing"

// disk is a small file system of its own.
type disk struct{ dir string }

func smallDisk(t *testing.T, _ int) *disk {
	t.Helper()
	t.Skip("a small file system is mounted on Linux only")
	return nil
}

func (*disk) fill() {}

func (*disk) clear() {}
