package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// commands returns a command and all below it.
func commands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		all = append(all, commands(sub)...)
	}
	return all
}

// TestHelp has every command say in --help what it is for, with an example that
// its own flags accept.
func TestHelp(t *testing.T) {
	for _, cmd := range commands(newRoot()) {
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			if cmd.Short == "" || cmd.Example == "" {
				t.Fatalf("short %q, example %q: both are needed", cmd.Short, cmd.Example)
			}
			for line := range strings.Lines(cmd.Example) {
				line = strings.TrimRight(line, "\n")
				if !strings.HasPrefix(line, "  ") || len(line) > 160 {
					t.Errorf("example %q: indent it by two, at most 160 characters", line)
				}
				words, ok := commandLine(line)
				if !ok {
					t.Errorf("example %q does not call unpark", line)
				} else if err := accepts(words, cmd.CommandPath()); err != "" {
					t.Errorf("example %q: %s", line, err)
				}
			}
		})
	}
}

// commandLine returns the words after unpark in a line of shell, up to a pipe or
// a redirection.
func commandLine(line string) (words []string, ok bool) {
	for part := range strings.SplitSeq(line, " | ") {
		fields := strings.Fields(part)
		if len(fields) == 0 || strings.TrimPrefix(fields[0], "bin/") != "unpark" {
			continue
		}
		for _, f := range fields[1:] {
			if strings.HasPrefix(f, ">") || strings.HasPrefix(f, "<") || strings.HasPrefix(f, "#") {
				break
			}
			words = append(words, f)
		}
		return words, true
	}
	return nil, false
}

// accepts says why the program would refuse the words as wrong usage; empty if
// it would not. The command must be the one at path or below it.
func accepts(words []string, path string) string {
	root := newRoot()
	root.SetOut(io.Discard)
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err.Error()
	}
	if !strings.HasPrefix(cmd.CommandPath()+" ", path+" ") {
		return "calls " + cmd.CommandPath()
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err.Error()
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		return err.Error()
	}
	return ""
}
