package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"unpark/clock"
	"unpark/config"
	"unpark/connectors/notify"
	"unpark/secrets"
)

func notifyTestCommand() *cobra.Command {
	var dir, org string
	cmd := &cobra.Command{
		Use:   "test --config DIR [--org ORG] ROUTE",
		Short: "Send a marked test alert to a route, and say what came back",
		Long: `Tells every destination of the route, as the folder has it, of an alert that is marked as a
test. No broker is needed, quiet hours do not count and the ledger knows nothing of it.
Exit code 1 if a destination did not take it.`,
		Example: "  unpark notify test --config config --org acme managers",
		Args:    cobra.ExactArgs(1),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return errNoConfig
			}
			return tryRoute(cmd, dir, org, args[0])
		}),
	}
	configFlag(cmd, &dir)
	orgFlag(cmd, &org)
	return cmd
}

func tryRoute(cmd *cobra.Command, dir, org, route string) error {
	cfg, problems := config.Load(dir)
	if err := problems.Err(config.AboutRules, config.AboutGenesys, config.AboutFuture, config.AboutProcess); err != nil {
		return err
	}
	o, err := findOrg(dir, cfg.Orgs, org)
	if err != nil {
		return err
	}
	rules, _, err := o.JSON()
	if err != nil {
		return err
	}
	resolve := func(ref string) (string, error) {
		value, err := secrets.Resolver{Dir: cfg.Process.SecretsDir}.Resolve(ref)
		if err != nil { // a destination says only that
			_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "secret:", err)
		}
		return value, err
	}
	build := destinations{client: &http.Client{}, resolve: resolve, terminal: newTerminal(cmd.OutOrStdout())}.build
	trials, err := notify.Try(cmd.Context(), notify.Deps{Configs: fileConfigs{o.ID: rules}, Build: build, Clock: clock.Real()}, o.ID, route)
	if err != nil {
		return err
	}
	return sayTrials(cmd, trials)
}

func sayTrials(cmd *cobra.Command, trials []notify.Trial) error {
	failed := 0
	for _, t := range trials {
		answer, why := "taken", ""
		if t.Reference != "" {
			answer += " as " + string(t.Reference)
		}
		if t.Err != nil {
			failed++
			answer, why = "not taken", ": "+t.Err.Error()
		}
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  %s after %s%s\n", t.Destination, t.Type, answer, t.Took.Round(time.Millisecond), why)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s did not take it", failed, count(len(trials), "destination"))
	}
	return nil
}

// fileConfigs is the rules of orgs as a folder has them.
type fileConfigs map[string][]byte

func (c fileConfigs) Rules(_ context.Context, org, _ string) ([]byte, bool, error) {
	value, ok := c[org]
	return value, ok, nil
}

func (c fileConfigs) NewestRules(org string) ([]byte, bool) {
	value, ok := c[org]
	return value, ok
}

// NewestSchedules has none: quiet hours do not count here.
func (c fileConfigs) NewestSchedules(string) ([]byte, bool) { return nil, false }
