// Command unpark watches the open e-mail and message conversations of Genesys
// Cloud orgs and tells a human before a customer has waited too long.
//
// Reads: the configuration files; all topics, depending on the command.
// Writes: all topics, depending on the command.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes that scripts may rely on.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(execute()) }

// execute runs the command line of this process and returns its exit code. The
// first interrupt asks the command to stop, the second ends the process.
func execute() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root := newRoot()
	root.SetIn(os.Stdin)
	root.SetOut(os.Stdout)
	root.SetErr(os.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return exitCode(cmd, err, os.Stderr)
}

// failure is an error of a command that was called rightly.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// exitCode says what went wrong with cmd, if anything did.
func exitCode(cmd *cobra.Command, err error, stderr io.Writer) int {
	var failed failure
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &failed):
		_, _ = fmt.Fprintln(stderr, "unpark:", err)
		return exitFailed
	default:
		_, _ = fmt.Fprintf(stderr, "unpark: %v\nRun '%s --help' for usage.\n", err, cmd.CommandPath())
		return exitUsage
	}
}

// run makes a cobra function of f; what f returns is a failure, not wrong usage.
func run(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := f(cmd, args)
		var usage usageError
		if err == nil || errors.As(err, &usage) {
			return err
		}
		return failure{err}
	}
}

// usageError is wrong usage that only the command itself can see.
type usageError struct{ error }

// newRoot is the command table.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "unpark",
		Short: "Tells who is sitting on a parked conversation, before the customer has waited too long",
		Long: `unpark reads a Genesys Cloud org's events from EventBridge, keeps a clock for every
open e-mail and message conversation, and tells the manager on Slack which agent is
sitting on it, before the promise to the customer is broken.`,
		Example: "  unpark demo\n  unpark run --config config\n" +
			"  unpark replay --config config --events history.jsonl.gz --until 2026-03-02T18:00:00Z",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(
		demoCommand(), runCommand(), replayCommand(),
		configCommand(), calendarCommand(), notifyCommand(), topicsCommand(), dlqCommand(),
		ackCommand(), snoozeCommand(),
		checkOrgCommand(), backfillCommand(), explainCommand(), verifyCommand(), simulateCommand(), topologyCommand(), versionCommand(),
	)
	checkHelp(root)
	return root
}

// checkHelp has `unpark help COMMAND` fail if there is no such command.
func checkHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Example = "  unpark help replay\n  unpark help config lint"
	help.Args = func(_ *cobra.Command, args []string) error {
		if cmd, rest, _ := root.Find(args); len(rest) > 0 {
			return fmt.Errorf("unknown command %q for %q", args[len(args)-len(rest)], cmd.CommandPath())
		}
		return nil
	}
}
