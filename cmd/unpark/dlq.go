package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/connectors/eventbridge"
	"unpark/connectors/kafka"
	"unpark/connectors/notify"
	"unpark/connectors/orgconfig"
	"unpark/schemas"
	"unpark/secrets"
)

func dlqCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "dlq",
		Short:   "List the dead letters, or send them again",
		Example: "  unpark dlq list --config config\n  unpark dlq redrive --config config --reason http_500",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(dlqListCommand(), dlqRedriveCommand())
	return cmd
}

type dlqFlags struct {
	config, reason, origin string
	at                     []string
}

func (f *dlqFlags) add(cmd *cobra.Command) {
	configFlag(cmd, &f.config)
	cmd.Flags().StringVar(&f.reason, "reason", "", "only those with this reason")
	cmd.Flags().StringVar(&f.origin, "origin", "", "only those given up by bridge, processor or notifier")
	cmd.Flags().StringSliceVar(&f.at, "at", nil, "only those at PARTITION/OFFSET of dead-letters")
}

func (f *dlqFlags) filter() (kafka.Filter, error) {
	if f.origin != "" && !slices.Contains(origins, f.origin) {
		return kafka.Filter{}, usageError{fmt.Errorf("--origin: %q is none; write one of %s", f.origin, strings.Join(origins, ", "))}
	}
	filter := kafka.Filter{Reason: f.reason, Origin: f.origin}
	for _, at := range f.at {
		p, o, ok := strings.Cut(at, "/")
		partition, err1 := strconv.ParseInt(p, 10, 32)
		offset, err2 := strconv.ParseInt(o, 10, 64)
		if !ok || err1 != nil || err2 != nil {
			return kafka.Filter{}, usageError{fmt.Errorf("--at %q is not PARTITION/OFFSET, such as 0/42", at)}
		}
		filter.At = append(filter.At, kafka.Position{Partition: int32(partition), Offset: offset})
	}
	return filter, nil
}

func dlqListCommand() *cobra.Command {
	var f dlqFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list --config DIR",
		Short:   "List the dead letters: what was given up, why, and where it came from",
		Example: "  unpark dlq list --config config --origin bridge\n  unpark dlq list --config config --json | jq -r .reason | sort | uniq -c",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter()
			if err != nil {
				return err
			}
			c, err := openCluster(cmd.Context(), f.config)
			if err != nil {
				return err
			}
			listed := 0
			err = kafka.ListDeadLetters(cmd.Context(), c.kafka, c.layout.Prefix, filter, func(d kafka.DeadLetter) error {
				listed++
				return printDeadLetter(cmd, d, asJSON)
			})
			if err == nil && listed == 0 {
				_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "no dead letters found")
			}
			return err
		}),
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines, with the record")
	return cmd
}

func printDeadLetter(cmd *cobra.Command, d kafka.DeadLetter, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{
			"at": d.At.String(), "time": d.Time.UTC().Format(time.RFC3339), "origin": d.Origin, "reason": d.Reason, "error": d.Error,
			"topic": d.Topic, "destination": d.Destination, "key": string(d.Key), "value": d.Value, "redrivable": redrivable(d),
		})
	}
	from := d.Topic
	if d.Destination != "" {
		from = d.Destination
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%-8s %s  %-9s %-16s %s  %s  %s\n",
		d.At, d.Time.UTC().Format(time.RFC3339), d.Origin, d.Reason, from, d.Key, d.Error)
	return err
}

// Parts that give up records, as dead letters name them.
const (
	originBridge    = "bridge"
	originProcessor = "processor"
	originNotifier  = "notifier"
)

var origins = []string{originBridge, originProcessor, originNotifier}

func redrivable(d kafka.DeadLetter) bool {
	return d.Redrivable() || d.Origin == originNotifier || d.Origin == originBridge
}

func dlqRedriveCommand() *cobra.Command {
	var f dlqFlags
	var all bool
	cmd := &cobra.Command{
		Use:   "redrive --config DIR (--all | --reason R | --origin O | --at PARTITION/OFFSET)",
		Short: "Send dead letters again",
		Long: `Sends each dead letter that is asked for once more to where it was going: an escalation
to the destination that did not take it, a record back to its topic, an envelope through
the decoder. Nobody is told of an alert that is over meanwhile. Letters stay on
dead-letters: redriving twice sends twice.`,
		Example: "  unpark dlq redrive --config config --reason http_500\n  unpark dlq redrive --config config --at 0/42",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter()
			if err != nil {
				return err
			}
			if !all && f.reason == "" && f.origin == "" && len(f.at) == 0 {
				return usageError{errors.New("say which: --reason, --origin, --at or --all")}
			}
			c, err := openCluster(cmd.Context(), f.config)
			if err != nil {
				return err
			}
			return c.withOrgs(cmd.Context(), func(store *orgconfig.Store) error {
				return redrive(cmd, c, store, filter)
			})
		}),
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "all of them")
	return cmd
}

func redrive(cmd *cobra.Command, c *cluster, store *orgconfig.Store, filter kafka.Filter) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	clk, err := timeOf(cmd.Context(), c.config.Process.Simulation)
	if err != nil {
		return err
	}
	resolver := secrets.Resolver{Dir: c.config.Process.SecretsDir}
	r := redriver{client: cl, prefix: c.layout.Prefix, keep: keepAttributes(store), over: kafka.NewOver(c.kafka, c.layout.Prefix), deps: notify.Deps{
		Kafka: c.kafka, Prefix: c.layout.Prefix, Clock: clk,
		Configs: routeConfigs{store},
		Build:   destinations{client: &http.Client{}, resolve: resolver.Resolve, terminal: newTerminal(cmd.OutOrStdout())}.build,
	}}
	return r.all(cmd, filter)
}

// redriver sends dead letters to where they were going.
type redriver struct {
	client *kgo.Client
	prefix string
	keep   func(org string) ([]string, bool)
	over   *kafka.Over
	deps   notify.Deps
}

// errOver: nobody would ever be told the end, which has been read.
var errOver = errors.New("the alert is over meanwhile; nobody is told of it any more")

// all sends the letters that match.
func (r redriver) all(cmd *cobra.Command, filter kafka.Filter) error {
	sent, over, failed := 0, 0, 0
	err := r.each(cmd.Context(), filter, func(d kafka.DeadLetter) error {
		r.over.Expect(d)
		return nil
	})
	if err != nil {
		return err
	}
	err = r.each(cmd.Context(), filter, func(d kafka.DeadLetter) error {
		switch err := r.redrive(cmd.Context(), d); {
		case errors.Is(err, errOver):
			over++
			_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s: %v\n", d.At, err)
		case err != nil:
			failed++
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", d.At, err)
			return cmd.Context().Err()
		default:
			sent++
		}
		return nil
	})
	meanwhile := ""
	if over > 0 {
		meanwhile = fmt.Sprintf(", %d over meanwhile", over)
	}
	_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%d sent again, %d not%s\n", sent, failed, meanwhile)
	if err == nil && failed > 0 {
		err = fmt.Errorf("%s could not be sent again", count(failed, "dead letter"))
	}
	return err
}

// each visits them.
func (r redriver) each(ctx context.Context, filter kafka.Filter, visit func(kafka.DeadLetter) error) error {
	return kafka.ListDeadLetters(ctx, r.deps.Kafka, r.prefix, filter, visit)
}

func (r redriver) redrive(ctx context.Context, d kafka.DeadLetter) error {
	switch d.Origin {
	case originNotifier:
		if over, err := r.over.Is(ctx, d); err != nil || over {
			return cmp.Or(err, errOver)
		}
		return notify.Redrive(ctx, r.deps, d.Value, d.Destination)
	case originBridge:
		return r.decodeAgain(ctx, d)
	}
	return kafka.Redrive(ctx, r.client, r.prefix, d, r.deps.Clock)
}

// decodeAgain is for a version that can read what an earlier one could not.
func (r redriver) decodeAgain(ctx context.Context, d kafka.DeadLetter) error {
	decoded, err := eventbridge.Decode(d.Value, r.keep)
	if err != nil {
		return fmt.Errorf("the envelope still cannot be read: %w", err)
	}
	value, err := decoded.Input.MarshalVT()
	if err != nil {
		return err
	}
	rec := &kgo.Record{Topic: schemas.ConversationEvents.Name(r.prefix), Key: []byte(decoded.Conversation), Value: value}
	return r.client.ProduceSync(ctx, rec).FirstErr()
}
