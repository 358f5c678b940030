package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/connectors/kafka"
	"unpark/connectors/notify"
	"unpark/schemas"
)

func ackCommand() *cobra.Command {
	var f answerFlags
	cmd := &cobra.Command{
		Use:   "ack --config DIR [--by NAME] CONVERSATION",
		Short: "Acknowledge the open alerts of a conversation: no more reminders for a day",
		Long: `Says that somebody has taken the conversation on. Reminders of its open alerts stop until
they are over, at most for 24 hours, and everywhere they were told is told who it is. The
notifier that owns the conversation carries it out. Exit code 1 if no alert is open.`,
		Example: "  unpark ack --config config --by Ada 2f7bf00a-0000-4000-8000-92238191433e",
		Args:    cobra.ExactArgs(1),
		RunE:    run(func(cmd *cobra.Command, args []string) error { return f.answer(cmd, args[0]) }),
	}
	f.add(cmd)
	return cmd
}

func snoozeCommand() *cobra.Command {
	var f answerFlags
	cmd := &cobra.Command{
		Use:   "snooze --config DIR [--by NAME] [--for 1h] CONVERSATION",
		Short: "Silence the open alerts of a conversation for a while, and be reminded then",
		Long: `Stops the reminders of the conversation's open alerts for a while; if they are open then,
they are told again. The notifier that owns the conversation carries it out. Exit code 1
if no alert is open.`,
		Example: "  unpark snooze --config config --by Ada --for 2h 2f7bf00a-0000-4000-8000-92238191433e",
		Args:    cobra.ExactArgs(1),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			if f.lasts < time.Second {
				return usageError{fmt.Errorf("--for %s: write a time such as 1h", f.lasts)}
			}
			return f.answer(cmd, args[0])
		}),
	}
	f.add(cmd)
	cmd.Flags().DurationVar(&f.lasts, "for", time.Hour, "how long, up to 168h")
	return cmd
}

// answerFlags say who answers which alert, and for how long it is silenced (0: it
// is acknowledged).
type answerFlags struct {
	config, by, alert string
	lasts             time.Duration
}

func (f *answerFlags) add(cmd *cobra.Command) {
	configFlag(cmd, &f.config)
	cmd.Flags().StringVar(&f.by, "by", os.Getenv("USER"), "who, as people know them; $USER unless it is written")
	cmd.Flags().StringVar(&f.alert, "alert", "", "only this alert: the escalation's id")
}

func (f *answerFlags) answer(cmd *cobra.Command, conversation string) error {
	if f.by == "" {
		return usageError{errors.New("--by is missing: whoever reads of it wants to know who")}
	}
	c, err := openCluster(cmd.Context(), f.config)
	if err != nil {
		return err
	}
	open, err := openAlerts(cmd.Context(), c, conversation, f.alert)
	if err != nil {
		return err
	}
	if len(open) == 0 {
		return fmt.Errorf("no alert of conversation %s is open that anybody was told", conversation)
	}
	clk, err := timeOf(cmd.Context(), c.config.Process.Simulation)
	if err != nil {
		return err
	}
	what := notify.Interaction{Conversation: conversation, Escalation: f.alert, Snooze: f.lasts, By: f.by}
	if err := notify.RecordInteraction(cmd.Context(), c.kafka, c.layout.Prefix, what, clk.Now()); err != nil {
		return err
	}
	for _, d := range open {
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n", d.Escalation, d.Destination)
	}
	return nil
}

// openAlerts reads the ledger for what was told of a conversation and is not over.
func openAlerts(ctx context.Context, c *cluster, conversation, alert string) ([]*schemas.Delivery, error) {
	entries := map[string]*schemas.Delivery{}
	err := kafka.ReadToEnd(ctx, c.kafka, schemas.Deliveries.Name(c.layout.Prefix), func(r *kgo.Record) error {
		key := string(r.Key)
		if strings.HasPrefix(key, schemas.DeliveryOwner) || strings.HasPrefix(key, schemas.DeliveryAnswer) {
			return nil
		}
		delete(entries, key)
		if d, err := schemas.DecodeDelivery(r.Value); err == nil && d.Conversation == conversation {
			entries[key] = d
		}
		return nil
	})
	var open []*schemas.Delivery
	for _, d := range entries {
		if d.Status == schemas.StatusRaised && d.Told != "" && (alert == "" || d.Escalation == alert) {
			open = append(open, d)
		}
	}
	slices.SortFunc(open, func(a, b *schemas.Delivery) int { return strings.Compare(a.Key(), b.Key()) })
	return open, err
}
