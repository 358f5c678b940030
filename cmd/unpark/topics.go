package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"unpark/connectors/kafka"
)

func topicsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "topics",
		Short:   "Create unpark's topics, or compare a cluster with what they must be",
		Example: "  unpark topics create --config config\n  unpark topics check --config config",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(topicsCreateCommand(), topicsCheckCommand())
	return cmd
}

func topicsCreateCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "create --config DIR",
		Short:   "Create the topics that are missing; what is there is left as it is",
		Example: "  unpark topics create --config config",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			return withAdmin(cmd, dir, func(c *cluster, adm *kadm.Client) error {
				created, err := kafka.CreateTopics(cmd.Context(), adm, c.layout)
				for _, name := range created {
					_, _ = fmt.Fprintln(cmd.OutOrStdout(), "created", name)
				}
				if err == nil && len(created) == 0 {
					_, _ = fmt.Fprintln(cmd.OutOrStdout(), "all topics are there")
				}
				return err
			})
		}),
	}
	configFlag(cmd, &dir)
	return cmd
}

func topicsCheckCommand() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "check --config DIR",
		Short:   "Say how the cluster's topics differ from what unpark needs",
		Long:    "Compares the cluster with the table of `unpark topology`. Exit code 1 if unpark cannot work with a difference.",
		Example: "  unpark topics check --config config --json",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			return withAdmin(cmd, dir, func(c *cluster, adm *kadm.Client) error {
				return checkTopics(cmd, c, adm, asJSON)
			})
		}),
	}
	configFlag(cmd, &dir)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines")
	return cmd
}

func checkTopics(cmd *cobra.Command, c *cluster, adm *kadm.Client, asJSON bool) error {
	differences, err := kafka.CheckTopics(cmd.Context(), adm, c.layout)
	if err != nil {
		return err
	}
	bad := 0
	for _, d := range differences {
		if !d.Warning {
			bad++
		}
		if asJSON {
			err = json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{
				"topic": d.Topic, "setting": d.Setting, "what": d.What, "do": d.Do, "warning": d.Warning,
			})
		} else {
			_, err = fmt.Fprintln(cmd.OutOrStdout(), d)
		}
		if err != nil {
			return err
		}
	}
	if bad > 0 {
		return fmt.Errorf("%s that unpark cannot work with", count(bad, "difference"))
	}
	if !asJSON {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "the topics are as unpark needs them")
	}
	return err
}

// withAdmin calls f with an admin client of the cluster that the folder names.
func withAdmin(cmd *cobra.Command, dir string, f func(*cluster, *kadm.Client) error) error {
	c, err := openCluster(cmd.Context(), dir)
	if err != nil {
		return err
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	return f(c, kadm.NewClient(cl))
}
