package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unpark/clock"
	"unpark/config"
	"unpark/connectors/notify/terminal"
)

type runFlags struct {
	config    string
	roles     []string
	logFormat string
	logLevel  string
}

func runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run --config DIR",
		Short: "Watch for real: bridge, processor, verifier and notifier",
		Long: `Runs the roles of this process until it is interrupted: bridge (SQS or files to Kafka),
processor (the clocks), verifier (asks Genesys where checks are on), notifier (Slack,
Teams, PagerDuty, webhooks, the terminal). Without kafka.brokers in unpark.yaml it runs on
an embedded broker in the data dir and applies its org files there; with brokers,
'unpark config apply' publishes them.

The first interrupt stops it gracefully, within 10 seconds; the second ends it at once.`,
		Example: "  unpark run --config config\n  unpark run --config config --roles processor",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			log, err := f.logger(cmd.ErrOrStderr())
			if err != nil {
				return usageError{err}
			}
			if err := f.check(); err != nil {
				return usageError{err}
			}
			return runApp(cmd.Context(), f, log, cmd.OutOrStdout())
		}),
	}
	cmd.Flags().StringVar(&f.config, "config", "", "folder of the configuration")
	cmd.Flags().StringSliceVar(&f.roles, "roles", allRoles, "roles of this process")
	logFlags(cmd, &f.logFormat, &f.logLevel)
	return cmd
}

func logFlags(cmd *cobra.Command, format, level *string) {
	cmd.Flags().StringVar(format, "log-format", "text", "text or json")
	cmd.Flags().StringVar(level, "log-level", "info", "debug, info, warn or error")
}

func (f runFlags) check() error {
	if f.config == "" {
		return errors.New("--config is missing")
	}
	if len(f.roles) == 0 {
		return fmt.Errorf("--roles: none is written; write some of %s", strings.Join(allRoles, ", "))
	}
	for _, r := range f.roles {
		if !slices.Contains(allRoles, r) {
			return fmt.Errorf("--roles: %q is no role; write some of %s", r, strings.Join(allRoles, ", "))
		}
	}
	return nil
}

func (f runFlags) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level: %q is no level; write debug, info, warn or error", f.logLevel)
	}
	opts := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, fmt.Errorf("--log-format: %q is no format; write text or json", f.logFormat)
}

func runApp(ctx context.Context, f runFlags, log *slog.Logger, out io.Writer) (err error) {
	cfg, err := loadConfig(f.config, log)
	if err != nil {
		return err
	}
	clk, err := timeOf(ctx, cfg.Process.Simulation)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.Process.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	defer listener.Close()
	a, err := newApp(ctx, settings{
		config: cfg, roles: f.roles, clock: clk, terminal: newTerminal(out), log: log, listener: listener,
	})
	if err != nil && ctx.Err() != nil {
		return nil // interrupted while it started
	}
	if err != nil {
		return err
	}
	if slices.Contains(f.roles, roleProcessor) {
		defer collectGarbageAt(processorGCPercent)()
	}
	log.Info("running", "roles", strings.Join(f.roles, ","))
	err = a.Run(ctx)
	if ctx.Err() != nil {
		log.Info("stopping")
	}
	return errors.Join(err, a.Close())
}

// loadConfig reads a folder; warnings are logged, errors returned.
func loadConfig(dir string, log *slog.Logger) (*config.Config, error) {
	cfg, problems := config.Load(dir)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for _, p := range problems.Warnings() {
		log.Warn(p.String())
	}
	return cfg, nil
}

// timeWithin is how long a simulated time is waited for: whoever leads it may
// have been started at the same moment.
const timeWithin = 10 * time.Second

// timeOf returns the clock that a process lives by.
func timeOf(ctx context.Context, s config.Simulation) (clock.Clock, error) {
	if s.Clock == "" {
		return clock.Real(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeWithin)
	defer cancel()
	for {
		clk, err := clock.Follow(s.Clock)
		if err == nil {
			return clk, nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return clk, fmt.Errorf("simulation.clock: %w; `unpark simulate` with the same folder leads the time", err)
		}
	}
}

// newTerminal prints to w, in colours if it shows them.
func newTerminal(w io.Writer) *terminal.Notifier {
	if isTerminal(w) && os.Getenv("NO_COLOR") == "" {
		return terminal.New(w, terminal.Color())
	}
	return terminal.New(w)
}

// isTerminal reports whether somebody looks at w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
