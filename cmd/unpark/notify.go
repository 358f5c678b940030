package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unpark/config"
	"unpark/connectors/notify/text"
	"unpark/processor/calendar"
	"unpark/processor/sla"
	"unpark/schemas"
)

func notifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "notify",
		Short:   "What people are told",
		Example: "  unpark notify preview --config config --org acme\n  unpark notify test --config config --org acme managers",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(notifyPreviewCommand(), notifyTestCommand())
	return cmd
}

// previewFlags say what is previewed.
type previewFlags struct {
	config, org, status string
	json                bool
}

func notifyPreviewCommand() *cobra.Command {
	var f previewFlags
	cmd := &cobra.Command{
		Use:   "preview --config DIR --org ORG",
		Short: "Print the texts of an org's alerts, one for each of its tiers, without telling anybody",
		Long: `Prints what each tier of an org would say, with its own texts where the file has some (texts:)
and the defaults elsewhere, for a made-up conversation. Slack, Teams and PagerDuty show the
same words.`,
		Example: "  unpark notify preview --config config --org acme\n" +
			"  unpark notify preview --config config --org acme --status cleared",
		Args: cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			if f.config == "" {
				return errNoConfig
			}
			if !slices.Contains([]string{schemas.StatusRaised, schemas.StatusCleared, schemas.StatusRetracted}, f.status) {
				return usageError{fmt.Errorf("--status %q: write raised, cleared or retracted", f.status)}
			}
			return f.preview(cmd)
		}),
	}
	configFlag(cmd, &f.config)
	orgFlag(cmd, &f.org)
	cmd.Flags().StringVar(&f.status, "status", schemas.StatusRaised, "raised, cleared or retracted")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON Lines")
	return cmd
}

func (f previewFlags) preview(cmd *cobra.Command) error {
	cfg, problems := config.Load(f.config)
	// The words do not depend on who is told, or on brokers.
	if err := problems.Err(config.AboutRoutes, config.AboutGenesys, config.AboutFuture, config.AboutProcess); err != nil {
		return err
	}
	org, err := findOrg(f.config, cfg.Orgs, f.org)
	if err != nil {
		return err
	}
	set, err := text.Compile(org.Texts)
	if err != nil {
		return err
	}
	zone, err := calendar.Location(org.Timezone)
	if org.Timezone == "" {
		zone, err = time.UTC, nil
	}
	if err != nil {
		return err
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	err = eachTier(org.Rules, func(p sla.Policy, o sla.Objective, t sla.Tier) error {
		s := text.Example(p.Name, o.Objective, t.Kind, time.Duration(t.At), f.status)
		s.Org, s.Zone = org.Name, zone
		if g := org.Genesys; g != nil {
			s.Link = text.Link(g.Region, g.API, s.Escalation.Conversation)
		}
		return f.print(out, tierName(p, o, t), set.Render(s))
	})
	return errors.Join(err, out.Flush())
}

func tierName(p sla.Policy, o sla.Objective, t sla.Tier) string {
	return fmt.Sprintf("%s: %s at %s of %s", p.Name, t.Kind, short(time.Duration(t.At)), o.Objective)
}

func (f previewFlags) print(out *bufio.Writer, tier string, t text.Text) error {
	if !f.json {
		_, err := fmt.Fprintf(out, "# %s\n%s\n\n", tier, strings.ReplaceAll(t.String(), " · ", "\n"))
		return err
	}
	facts := []map[string]string{}
	for _, fact := range t.Facts {
		facts = append(facts, map[string]string{"name": fact.Name, "value": fact.Value})
	}
	return json.NewEncoder(out).Encode(map[string]any{
		"tier": tier, "headline": t.Headline, "facts": facts, "advice": t.Advice, "link": t.Link,
	})
}

// eachTier visits the tiers of the policies that the org has or gets by default.
func eachTier(rules sla.Rules, visit func(sla.Policy, sla.Objective, sla.Tier) error) error {
	policies := rules.Policies
	if len(policies) == 0 {
		policies = sla.DefaultPolicies()
	}
	for _, p := range policies {
		for _, o := range p.Objectives {
			for _, t := range o.Tiers {
				if err := visit(p, o, t); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
