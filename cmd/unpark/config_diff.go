package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"unpark/clock"
	"unpark/config"
	"unpark/connectors/orgconfig"
)

func configDiffCommand() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff --config DIR",
		Short: "Say what 'config apply' would change, and for whom",
		Long: `Compares the org files with what is in force on the cluster and says, in words, what would
change. Changes nothing; exit code 0 whether there is a difference or not.`,
		Example: "  unpark config diff --config config\n  unpark config diff --config config --json",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return errNoConfig
			}
			if _, problems := config.Load(dir); problems.Err() != nil {
				return problems.Err()
			}
			c, err := openCluster(cmd.Context(), dir)
			if err != nil {
				return err
			}
			if err := resolveQueues(cmd.Context(), c.config, clock.Real()); err != nil {
				return err
			}
			return c.withOrgs(cmd.Context(), func(store *orgconfig.Store) error {
				differences, err := diffOrgs(store, c.config.Orgs)
				if err != nil {
					return err
				}
				return printDiffs(cmd, differences, asJSON)
			})
		}),
	}
	configFlag(cmd, &dir)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines")
	return cmd
}

// orgDiff is what applying an org's file would do.
type orgDiff struct {
	Org     string          `json:"org"`
	Name    string          `json:"name"`
	Status  string          `json:"status"`  // new, unchanged, changed, no_file
	InForce string          `json:"inForce"` // version, empty if there is none
	Version string          `json:"version"` // that of the file, likewise
	Changes []config.Change `json:"changes"`
}

// diffOrgs compares the files with org-config. An org without a file stays in
// force: apply takes nothing away.
func diffOrgs(store *orgconfig.Store, files []config.Org) ([]orgDiff, error) {
	var all []orgDiff
	for _, o := range files {
		_, version, err := o.JSON()
		if err != nil {
			return nil, err
		}
		now, known, err := newestOrg(store, o.ID)
		if err != nil {
			return nil, err
		}
		d := orgDiff{Org: o.ID, Name: o.Name, Status: "new", InForce: now.version, Version: version, Changes: []config.Change{}}
		switch {
		case known && now.version == version:
			d.Status = "unchanged"
		case known:
			d.Status = "changed"
			d.Changes = append(d.Changes, config.Diff(now.Org, o)...)
		}
		all = append(all, d)
	}
	published, err := newestOrgs(store)
	for _, now := range published {
		if !slices.ContainsFunc(files, func(o config.Org) bool { return o.ID == now.ID }) {
			all = append(all, orgDiff{Org: now.ID, Name: now.Name, Status: "no_file", InForce: now.version, Changes: []config.Change{}})
		}
	}
	return all, err
}

func printDiffs(cmd *cobra.Command, all []orgDiff, asJSON bool) error {
	for _, d := range all {
		if asJSON {
			if err := json.NewEncoder(cmd.OutOrStdout()).Encode(d); err != nil {
				return err
			}
			continue
		}
		line := func(format string, args ...any) { _, _ = fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...) }
		switch d.Status {
		case "no_file":
			line("%s (org %s) has no file here: version %s stays in force", d.Name, d.Org, d.InForce)
		case "new":
			line("new %s (org %s) version %s", d.Name, d.Org, d.Version)
		default:
			line("%s %s (org %s) version %s", d.Status, d.Name, d.Org, d.Version)
		}
		if d.Status == "changed" && len(d.Changes) == 0 {
			line("  it is written differently and means the same")
		}
		for _, c := range d.Changes {
			line("  %s", c)
		}
	}
	return nil
}
