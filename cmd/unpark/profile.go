//go:build profile && unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
)

// A binary built with the tag profile writes cpu.pprof and allocs.pprof into the
// folder that UNPARK_PROFILE names: the processor time between SIGUSR1 and SIGUSR2,
// and what had been allocated by the second, or is still in use then.
func init() {
	dir := os.Getenv("UNPARK_PROFILE")
	if dir == "" {
		return
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for s := range signals {
			step := writeProfiles
			if s == syscall.SIGUSR1 {
				step = startProfile
			}
			if err := step(dir); err != nil {
				fmt.Fprintln(os.Stderr, "unpark: profile:", err)
			}
		}
	}()
}

func startProfile(dir string) error {
	file, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err != nil {
		return err
	}
	return pprof.StartCPUProfile(file)
}

// writeProfiles ends the CPU profile; that allocs.pprof is there says that both are.
func writeProfiles(dir string) error {
	pprof.StopCPUProfile()
	name := filepath.Join(dir, "allocs.pprof")
	file, err := os.Create(name + ".part")
	if err != nil {
		return err
	}
	runtime.GC() // else what is in use is that of the collection before
	err = errors.Join(pprof.Lookup("allocs").WriteTo(file, 0), file.Close())
	return errors.Join(err, os.Rename(file.Name(), name))
}
