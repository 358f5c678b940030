package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"unpark/config"
	"unpark/connectors/orgconfig"
)

func configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check the configuration, compare it with what is in force, put it in force",
		Example: "  unpark config lint --config config\n  unpark config diff --config config\n" +
			"  unpark config apply --config config\n  unpark config show --config config",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(configLintCommand(), configDiffCommand(), configApplyCommand(), configShowCommand())
	return cmd
}

func configLintCommand() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "lint --config DIR",
		Short:   "Say what is wrong with the files: file, line, field, and what to write",
		Example: "  unpark config lint --config config",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return errNoConfig
			}
			return lint(cmd, dir, asJSON)
		}),
	}
	configFlag(cmd, &dir)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines")
	return cmd
}

func lint(cmd *cobra.Command, dir string, asJSON bool) error {
	cfg, problems := config.Load(dir)
	for _, p := range problems {
		var err error
		if asJSON {
			err = json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{
				"file": p.File, "line": p.Line, "column": p.Column, "field": p.Path, "message": p.Message,
				"warning": p.Severity == config.Warning,
			})
		} else {
			_, err = fmt.Fprintln(cmd.OutOrStdout(), p)
		}
		if err != nil {
			return err
		}
	}
	if n := len(problems.Errors()); n > 0 {
		return fmt.Errorf("%s in %s", count(n, "mistake"), dir)
	}
	if asJSON {
		return nil
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, no mistakes, %s\n",
		dir, count(len(cfg.Orgs), "org file"), count(len(problems.Warnings()), "warning"))
	return err
}

func configApplyCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "apply --config DIR",
		Short: "Publish the org files and put them in force",
		Long: `Writes each org file whose content is new as an immutable version to org-config, and its
activation to every partition, so that every part learns it at the same place of the log.
Applying again what is in force changes nothing. Schedule groups that a file names for the
first time are read from Genesys before it is applied, if the org can be reached. Names of
queues (queue_name) are looked up there, and ids are published: if a name leads to none or
to several, or Genesys cannot be asked, nothing is applied.`,
		Example: "  unpark config apply --config config",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return errNoConfig
			}
			return apply(cmd, dir)
		}),
	}
	configFlag(cmd, &dir)
	return cmd
}

// apply publishes the org files of a folder without mistakes. They are said
// before the brokers are looked for: they can be mended without.
func apply(cmd *cobra.Command, dir string) error {
	_, problems := config.Load(dir)
	if err := problems.Err(); err != nil {
		return err
	}
	for _, p := range problems.Warnings() {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), p)
	}
	c, err := openCluster(cmd.Context(), dir)
	if err != nil {
		return err
	}
	clk, err := timeOf(cmd.Context(), c.config.Process.Simulation)
	if err != nil {
		return err
	}
	return c.withOrgs(cmd.Context(), func(store *orgconfig.Store) error {
		to := applier{store: store, clock: clk, warn: cmd.ErrOrStderr()}
		return to.apply(cmd.Context(), c.config, func(a applied) {
			said := "unchanged"
			if a.changed {
				said = "applied"
			}
			_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s %s (org %s) version %s\n", said, a.org.Name, a.org.ID, a.version)
		})
	})
}
