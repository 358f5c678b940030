package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"unpark/clock"
	"unpark/config"
	"unpark/connectors/genesys"
	"unpark/secrets"
)

func checkOrgCommand() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check-org NAME --config DIR",
		Short: "Try an org's Genesys connection and say what is missing",
		Long: `Gets a token with the client id and secret of the org's file and makes every call that
unpark reads with, once. Nothing is changed: what an action needs is listed and not tried.
NAME is that of the org's file, without .yaml, or the org's id. It needs no broker.`,
		Example: "  unpark check-org acme --config config",
		Args:    cobra.ExactArgs(1),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			org, resolver, err := orgToAsk(dir, args[0])
			if err != nil {
				return err
			}
			client := genesys.NewClient(*org.Genesys, genesys.ClientDeps{Clock: clock.Real(), Log: slog.New(slog.DiscardHandler), Resolve: resolver.Resolve})
			return sayFindings(cmd.OutOrStdout(), org, client.Check(cmd.Context()), asJSON)
		}),
	}
	configFlag(cmd, &dir)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines")
	return cmd
}

// orgToAsk finds the file of an org that has a Genesys connection.
func orgToAsk(dir, name string) (config.Org, secrets.Resolver, error) {
	if dir == "" {
		return config.Org{}, secrets.Resolver{}, errNoConfig
	}
	cfg, problems := config.Load(dir)
	if err := problems.Err(config.AboutRules, config.AboutRoutes, config.AboutFuture); err != nil {
		return config.Org{}, secrets.Resolver{}, err
	}
	i := slices.IndexFunc(cfg.Orgs, func(o config.Org) bool { return o.Name == name || o.ID == name })
	if i < 0 {
		return config.Org{}, secrets.Resolver{}, fmt.Errorf("%s has no org called %q", dir, name)
	}
	if cfg.Orgs[i].Genesys == nil {
		return config.Org{}, secrets.Resolver{}, fmt.Errorf("org %s has no genesys: {region: ..., client_id: ..., client_secret: ...}", name)
	}
	return cfg.Orgs[i], secrets.Resolver{Dir: cfg.Process.SecretsDir}, nil
}

func sayFindings(w io.Writer, org config.Org, findings []genesys.Finding, asJSON bool) error {
	wrong := 0
	for _, f := range findings {
		if !f.OK && !f.NotTried {
			wrong++
		}
		if asJSON {
			if err := json.NewEncoder(w).Encode(f); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintln(w, findingLine(f)); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return fmt.Errorf("org %s: %s of %d not possible", org.Name, count(wrong, "call"), len(findings))
	}
	return nil
}

func findingLine(f genesys.Finding) string {
	needs := f.Permission
	if needs == "" {
		needs = "no permission"
	}
	switch {
	case f.NotTried:
		return fmt.Sprintf("not tried  %s (%s; needs %s): it changes something", f.Call, f.For, needs)
	case f.OK:
		return fmt.Sprintf("ok         %s (%s)", f.Call, f.For)
	case f.Reason == genesys.ReasonForbidden:
		return fmt.Sprintf("MISSING    %s (%s): give the client's role %s", f.Call, f.For, needs)
	}
	return fmt.Sprintf("FAILED     %s (%s): %s", f.Call, f.For, f.Problem)
}
