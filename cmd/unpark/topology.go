package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"unpark/processor"
	"unpark/schemas"
)

func topologyCommand() *cobra.Command {
	var asJSON bool
	var prefix string
	cmd := &cobra.Command{
		Use:     "topology",
		Short:   "Print the topics, who writes and reads them, and the processor's topology",
		Example: "  unpark topology\n  unpark topology --prefix acme. --json",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return printTopologyJSON(cmd, prefix)
			}
			out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(out, "TOPIC\tKEY\tVALUE\tPOLICY\tWRITTEN BY\tREAD BY")
			for _, t := range schemas.Topics() {
				_, _ = fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\n", t.Name(prefix), t.Key, t.Value,
					t.Config["cleanup.policy"], strings.Join(t.Writers, ", "), strings.Join(t.Readers, ", "))
			}
			if err := out.Flush(); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "\n%s", processor.NewTopology().Describe(prefix))
			return err
		}),
	}
	cmd.Flags().StringVar(&prefix, "prefix", "unpark.", "prefix of the topics' names")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printTopologyJSON(cmd *cobra.Command, prefix string) error {
	type topic struct {
		Name        string            `json:"name"`
		Key         string            `json:"key"`
		Value       string            `json:"value"`
		Partitioned bool              `json:"partitioned"`
		Config      map[string]string `json:"config"`
		Writers     []string          `json:"writers"`
		Readers     []string          `json:"readers"`
	}
	var topics []topic
	for _, t := range schemas.Topics() {
		topics = append(topics, topic{t.Name(prefix), t.Key, t.Value, t.Partitioned, t.Config, t.Writers, t.Readers})
	}
	return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"topics": topics})
}
