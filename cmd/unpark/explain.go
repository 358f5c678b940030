package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unpark/config"
	"unpark/connectors/orgconfig"
	"unpark/processor"
	"unpark/processor/sla"
)

type explainFlags struct {
	config, org, until string
	events             []string
	json               bool
}

func explainCommand() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain --config DIR CONVERSATION",
		Short: "Say why a conversation is where it is: facts, policy, counted time, what falls due next",
		Long: `Reads the processor's state of a conversation from sla-changelog, read_committed to its
end, and says what is known of it, which policy applies and why, what was counted so far
by which intervals, what is raised, and what falls due next. It is judged at the time of
its partition: that of the newest tick. Of attributes it prints the keys, of messages the
times. Times are those of the org's time zone, with --json of UTC. A tier that is due and
not raised may wait for its sources to be read up to then.

With --events it explains the conversation as 'replay' has it, by the rules of the folder
and without a broker: after the last envelope, or as of --until, before the first that is
later; what stands behind that one is not known then, whatever its own time.`,
		Example: "  unpark explain --config config 2f7bf00a-0000-4000-8000-92238191433e\n" +
			"  unpark explain --config config --org acme --json 2f7bf00a-0000-4000-8000-92238191433e\n" +
			"  unpark explain --config draft --events march.jsonl.gz --until 2026-03-09T12:00:00Z 2f7bf00a-0000-4000-8000-92238191433e",
		Args: cobra.ExactArgs(1),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			until, err := f.check()
			if err != nil {
				return usageError{err}
			}
			explain := explainLive
			if len(f.events) > 0 {
				explain = explainFiles
			}
			list, orgs, err := explain(cmd.Context(), f, until, args[0])
			if err != nil {
				return err
			}
			return printExplanations(cmd.OutOrStdout(), list, orgs, f.json)
		}),
	}
	configFlag(cmd, &f.config)
	orgFlag(cmd, &f.org)
	cmd.Flags().StringArrayVar(&f.events, "events", nil, "file of envelopes to replay instead; may be repeated")
	cmd.Flags().StringVar(&f.until, "until", "", "with --events: the instant to explain (RFC 3339)")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON Lines")
	return cmd
}

// check returns the instant of --until, 0 if there is none.
func (f explainFlags) check() (until int64, err error) {
	switch {
	case f.config == "":
		return 0, errNoConfig
	case f.until == "":
		return 0, nil
	case len(f.events) == 0:
		return 0, errors.New("--until: the live state is that of now; give --events to replay")
	}
	at, err := time.Parse(time.RFC3339, f.until)
	if err != nil {
		return 0, fmt.Errorf("--until %q: write an RFC 3339 instant, such as 2026-03-02T18:00:00Z", f.until)
	}
	return at.UnixMilli(), nil
}

// explainLive explains a conversation as sla-changelog has it.
func explainLive(ctx context.Context, f explainFlags, _ int64, conversation string) (list []sla.Explanation, orgs map[string]config.Org, err error) {
	c, err := openCluster(ctx, f.config)
	if err != nil {
		return nil, nil, err
	}
	err = c.withOrgs(ctx, func(store *orgconfig.Store) error {
		partitions, err := readStates(ctx, c, conversation)
		if err != nil {
			return err
		}
		orgs = orgsByID(store)
		list, err = explainer{rules: processor.NewRules(store), orgs: orgs}.explain(ctx, partitions, conversation, f.org)
		return err
	})
	return list, orgs, err
}

// orgsByID are the newest versions of the orgs' files that can be read.
func orgsByID(store *orgconfig.Store) map[string]config.Org {
	orgs := make(map[string]config.Org)
	for _, id := range store.Orgs() {
		if o, _, err := newestOrg(store, id); err == nil {
			orgs[id] = o.Org
		}
	}
	return orgs
}

// explainer explains states by the rules that were in force for them.
type explainer struct {
	rules *processor.Rules
	orgs  map[string]config.Org
}

// explain returns an explanation for each org that has the conversation, in the
// order of the partitions and their keys.
func (e explainer) explain(ctx context.Context, partitions []*partitionStates, conversation, org string) ([]sla.Explanation, error) {
	var list []sla.Explanation
	for _, p := range partitions {
		for _, id := range sortedKeys(p.conversations) {
			if org != "" && org != id && org != e.orgs[id].Name {
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
		return nil, e.unknown(conversation, org)
	}
	return list, nil
}

// unknown says why nothing is known of a conversation.
func (e explainer) unknown(conversation, org string) error {
	var names []string
	for _, id := range sortedKeys(e.orgs) {
		if o := e.orgs[id]; org == "" || org == id || org == o.Name {
			return fmt.Errorf("nothing is known of conversation %s: it has not begun, or it ended longer ago than timing.late", conversation)
		}
		names = append(names, e.orgs[id].Name)
	}
	if len(names) == 0 {
		return errors.New("there is no org with a configuration that can be read")
	}
	return fmt.Errorf("there is no org %q; there is %s", org, strings.Join(names, ", "))
}

func (e explainer) one(ctx context.Context, p *partitionStates, org, conversation string) (sla.Explanation, error) {
	st := p.conversations[org]
	var lookups error
	version := func(version, schedules string) *sla.RuleSet {
		rules, err := e.rules.Get(ctx, org, version, schedules)
		lookups = errors.Join(lookups, err)
		return rules
	}
	rules, err := e.rules.InForce(ctx, org, p.orgs[org])
	if err == nil && rules == nil {
		err = fmt.Errorf("org %s has conversations and no rules in force", org)
	}
	if err != nil {
		return sla.Explanation{}, err
	}
	return sla.Explain(st, sla.Env{
		Now: p.now, Org: org, Conversation: conversation, Rules: rules, Version: version,
	}), lookups
}

func printExplanations(out io.Writer, list []sla.Explanation, orgs map[string]config.Org, asJSON bool) error {
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
		if _, err := io.WriteString(out, explanationText(x, orgs[x.Org])); err != nil {
			return err
		}
	}
	return nil
}
