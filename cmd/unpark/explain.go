package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"unpark/connectors/orgconfig"
	"unpark/processor"
	"unpark/processor/sla"
	"unpark/schemas"
)

func explainCommand() *cobra.Command {
	var dir, org string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain --config DIR CONVERSATION",
		Short: "Say why a conversation is where it is: facts, policy, counted time, what falls due next",
		Long: `Reads the processor's state of a conversation from sla-changelog, read_committed to its
end, and says what is known of it, which policy applies and why, what was counted so far
by which intervals, what is raised, and what falls due next. It is judged at the time of
its partition: that of the newest tick. Of attributes it prints the keys, of messages the
times. A tier that is due and not raised may wait for its sources to be read up to then.`,
		Example: "  unpark explain --config config 2f7bf00a-0000-4000-8000-92238191433e\n" +
			"  unpark explain --config config --org acme --json 2f7bf00a-0000-4000-8000-92238191433e",
		Args: cobra.ExactArgs(1),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := openCluster(cmd.Context(), dir)
			if err != nil {
				return err
			}
			return c.withOrgs(cmd.Context(), func(store *orgconfig.Store) error {
				partitions, err := readStates(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				e := explainer{rules: processor.NewRules(store), names: orgNames(store)}
				list, err := e.explain(cmd.Context(), partitions, args[0], org)
				if err != nil {
					return err
				}
				return printExplanations(cmd.OutOrStdout(), list, e.names, asJSON)
			})
		}),
	}
	configFlag(cmd, &dir)
	orgFlag(cmd, &org)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines")
	return cmd
}

// orgNames are the names of the orgs' files, by the orgs' ids.
func orgNames(store *orgconfig.Store) map[string]string {
	names := make(map[string]string)
	for _, id := range store.Orgs() {
		if o, _, err := newestOrg(store, id); err == nil {
			names[id] = o.Name
		}
	}
	return names
}

// explainer explains states by the rules that were in force for them.
type explainer struct {
	rules *processor.Rules
	names map[string]string
}

// explain returns an explanation for each org that has the conversation, in the
// order of the partitions and their keys.
func (e explainer) explain(ctx context.Context, partitions []*partitionStates, conversation, org string) ([]sla.Explanation, error) {
	var list []sla.Explanation
	for _, p := range partitions {
		for _, id := range sortedKeys(p.conversations) {
			if org != "" && org != id && org != e.names[id] {
				continue
			}
			x, err := e.one(ctx, p, id, conversation)
			if err != nil {
				return nil, err
			}
			list = append(list, x)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("nothing is known of conversation %s: it has not begun, or it ended longer ago than timing.late", conversation)
	}
	return list, nil
}

func (e explainer) one(ctx context.Context, p *partitionStates, org, conversation string) (sla.Explanation, error) {
	st := p.conversations[org]
	if st.Version > sla.StateVersion {
		return sla.Explanation{}, fmt.Errorf("conversation %s: state of version %d, this program knows up to %d", conversation, st.Version, sla.StateVersion)
	}
	var lookups error
	version := func(version string) *sla.RuleSet {
		rules, err := e.rules.Get(ctx, org, version)
		lookups = errors.Join(lookups, err)
		return rules
	}
	inForce := p.orgs[org].GetActive()[schemas.PartRules]
	rules := version(inForce)
	if lookups == nil && rules == nil {
		lookups = fmt.Errorf("rules %s of org %s are in force and gone from org-config", inForce, org)
	}
	if lookups != nil {
		return sla.Explanation{}, lookups
	}
	return sla.Explain(st, sla.Env{
		Now: p.now, Org: org, Conversation: conversation, Rules: rules, Version: version,
	}), lookups
}

func printExplanations(out io.Writer, list []sla.Explanation, names map[string]string, asJSON bool) error {
	for i, x := range list {
		if asJSON {
			if err := json.NewEncoder(out).Encode(x); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			_, _ = fmt.Fprintln(out)
		}
		if _, err := io.WriteString(out, explanationText(x, names[x.Org])); err != nil {
			return err
		}
	}
	return nil
}
