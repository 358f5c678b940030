package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/config"
	"unpark/connectors/genesys"
	"unpark/connectors/kafka"
	"unpark/connectors/orgconfig"
	"unpark/schemas"
	"unpark/secrets"
)

type backfillFlags struct {
	config string
	days   int
	dryRun bool
	json   bool
}

func backfillCommand() *cobra.Command {
	var f backfillFlags
	cmd := &cobra.Command{
		Use:   "backfill ORG --config DIR",
		Short: "Tell the processor of conversations that are open already, or whose start or end was lost",
		Long: `Asks Genesys for the e-mail and message conversations of the last --days days that are
open, compares them with what the processor knows (sla-changelog, read_committed), and
writes what it lacks to conversation-events, as the bridge would have: starts and ends of
sessions, and who wrote when. What the processor has open and Genesys has not is looked at,
and ended if it is over. ORG is the name of the org's file, or the org's id.

It is safe at any time, twice, and beside a running unpark: what the processor knows is not
touched, and a fact that comes twice changes nothing. What has waited too long already is
told of at once, so look with --dry-run first. The org's rate_per_minute is kept: a
conversation that is not known takes a call, one of e-mails two to four, a day one. An unpark
with the role verifier does the same by itself, within an hour of its start and then daily.`,
		Example: "  unpark backfill acme --config config --dry-run\n" +
			"  unpark backfill acme --config config --days 60 --json",
		Args: cobra.ExactArgs(1),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			if f.days < 1 || f.days > 366 {
				return usageError{fmt.Errorf("--days %d: write 1 to 366", f.days)}
			}
			org, resolver, err := orgToAsk(f.config, args[0])
			if err != nil {
				return err
			}
			return backfill(cmd.Context(), f, org, resolver, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	configFlag(cmd, &f.config)
	cmd.Flags().IntVar(&f.days, "days", genesys.DefaultDays, "how far to look back for starts")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "only list what would be told")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON Lines: a conversation each, then the summary")
	return cmd
}

func backfill(ctx context.Context, f backfillFlags, org config.Org, resolver secrets.Resolver, out, progress io.Writer) error {
	c, err := openCluster(ctx, f.config)
	if err != nil {
		return err
	}
	clk, err := timeOf(ctx, c.config.Process.Simulation)
	if err != nil {
		return err
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	return c.withOrgs(ctx, func(store *orgconfig.Store) error {
		rules, _, ok := store.NewestRules(org.ID)
		if !ok {
			return fmt.Errorf("org %s was never applied, so the processor would ignore it: run unpark config apply", org.Name)
		}
		said := &backfillSayer{backfillFlags: f, org: org.Name, out: out, progress: progress}
		b := genesys.Backfill{
			Org: org.ID, Rules: rules, Days: f.days, Keep: attributesOf(rules), Swept: said.swept, Said: said.change,
			Client: genesys.NewClient(*org.Genesys, genesys.ClientDeps{Clock: clk, Log: slog.New(slog.DiscardHandler), Resolve: resolver.Resolve}),
			States: func(ctx context.Context) (map[string][]byte, error) {
				return readOrgStates(ctx, c.kafka, c.layout.Prefix, org.ID)
			},
		}
		if !f.dryRun {
			b.Produce = genesys.Producer(cl, c.layout.Prefix, clk)
		}
		sum, err := b.Run(ctx)
		return errors.Join(said.summary(sum, err), err, said.failed)
	})
}

// readOrgStates reads sla-changelog and keeps the newest states of an org's
// conversations, encoded.
func readOrgStates(ctx context.Context, opts []kgo.Opt, prefix, org string) (map[string][]byte, error) {
	states := make(map[string][]byte)
	err := kafka.ReadToEnd(ctx, opts, schemas.SLAChangelog.Name(prefix), func(r *kgo.Record) error {
		of, id, err := schemas.ParseConversationKey(r.Key)
		switch {
		case err != nil || of != org: // another kind, or another org
		case r.Value == nil:
			delete(states, id)
		default:
			states[id] = bytes.Clone(r.Value) // the record shares its batch
		}
		return nil
	})
	return states, err
}

// backfillSayer prints what a backfill finds.
type backfillSayer struct {
	backfillFlags
	org           string
	out, progress io.Writer
	found         int
	failed        error // of printing
}

func (s *backfillSayer) swept(day time.Time, found int) {
	if found > s.found {
		_, _ = fmt.Fprintf(s.progress, "%s: %s found so far\n", day.Format(time.DateOnly), count(found, "conversation"))
	}
	s.found = found
}

func (s *backfillSayer) change(c genesys.Change) {
	if s.json {
		s.note(json.NewEncoder(s.out).Encode(c))
		return
	}
	until := ""
	if !c.Until.IsZero() {
		until = ", until " + minute(c.Until)
	}
	if c.NotSeen != "" {
		until += ", could not be looked at: " + c.NotSeen
	}
	_, err := fmt.Fprintf(s.out, "%-9s  %s  %s since %s%s (%s)\n", c.Change, c.Conversation, c.Media, minute(c.Since), until, count(c.Facts, "fact"))
	s.note(err)
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// summary says what came of it, also of what has failed on the way.
func (s *backfillSayer) summary(sum genesys.Summary, failed error) error {
	if s.json {
		return json.NewEncoder(s.out).Encode(struct {
			genesys.Summary
			DryRun   bool `json:"dryRun"`
			Complete bool `json:"complete"`
		}{sum, s.dryRun, failed == nil})
	}
	how := ""
	if s.dryRun {
		how = ", if it were no dry run"
	}
	lost := ""
	if sum.Lost > 0 {
		lost = fmt.Sprintf("; %d that the processor has open are not there in Genesys", sum.Lost)
	}
	if sum.Unseen > 0 {
		lost += fmt.Sprintf("; %d that the processor has open could not be looked at", sum.Unseen)
	}
	_, err := fmt.Fprintf(s.out, "%s: %d open in Genesys, %d of them known; %d opened, %d completed, %d ended%s%s\n",
		s.org, sum.Open, sum.Known, sum.Opened, sum.Completed, sum.Ended, how, lost)
	return err
}

func (s *backfillSayer) note(err error) { s.failed = errors.Join(s.failed, err) }
