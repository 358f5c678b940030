package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/connectors/kafka"
	"unpark/connectors/orgconfig"
	"unpark/processor"
	"unpark/processor/audit"
	"unpark/processor/stream"
	"unpark/schemas"
)

func verifyCommand() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify --config DIR",
		Short: "Prove that escalations and changelog are what the input leads to",
		Long: `Reads the cluster read_committed, recomputes every decision from the input topic (its
ticks included) up to where the processor's group stands, and compares the escalations,
byte for byte and in order, and the changelog's newest values, key for key. Every
difference is named; exit code 1 if there is one. A processor that runs meanwhile is
waited for: the comparison needs a moment in which it commits nothing.`,
		Example: "  unpark verify --config config\n  unpark verify --config config --json",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			c, err := openCluster(cmd.Context(), dir)
			if err != nil {
				return err
			}
			return c.withOrgs(cmd.Context(), func(orgs *orgconfig.Store) error {
				return verify(cmd.Context(), c, orgs, cmd.OutOrStdout(), asJSON)
			})
		}),
	}
	configFlag(cmd, &dir)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines")
	return cmd
}

// snapshot is what the topics held at a moment in which the group stood still.
type snapshot struct {
	committed   map[int32]int64 // input offsets of the processor's group
	escalations map[int32][][]byte
	changelog   map[int32]map[string][]byte
}

// maxSnapshots bounds how often a running processor is waited for.
const maxSnapshots = 20

func verify(ctx context.Context, c *cluster, orgs *orgconfig.Store, out io.Writer, asJSON bool) error {
	snap, err := takeSnapshot(ctx, c)
	if err != nil {
		return err
	}
	partitions, records, err := recompute(ctx, c, orgs, snap)
	defer func() {
		for _, p := range partitions {
			_ = p.Close() // it lives in memory
		}
	}()
	if err != nil {
		return err
	}
	differences, escalations := 0, 0
	for _, id := range slices.Sorted(maps.Keys(partitions)) {
		p := partitions[id]
		escalations += len(p.Escalations())
		ds, err := p.CompareState(snap.changelog[id])
		if err != nil {
			return err
		}
		for _, d := range append(p.CompareEscalations(snap.escalations[id]), ds...) {
			differences++
			if err := printDifference(out, d, asJSON); err != nil {
				return err
			}
		}
	}
	if asJSON {
		err = json.NewEncoder(out).Encode(map[string]any{"records": records, "escalations": escalations, "partitions": len(partitions), "differences": differences})
	} else {
		_, err = fmt.Fprintf(out, "%d partitions, %d input records, %d escalations recomputed: %d differences\n", len(partitions), records, escalations, differences)
	}
	if err == nil && differences > 0 {
		err = fmt.Errorf("%d differences", differences)
	}
	return err
}

func printDifference(out io.Writer, d audit.Difference, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(d)
	}
	_, err := fmt.Fprintln(out, d)
	return err
}

// takeSnapshot reads escalations and changelog until the group's offsets were
// the same before and after.
func takeSnapshot(ctx context.Context, c *cluster) (*snapshot, error) {
	adm, err := kadm.NewOptClient(c.kafka...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	defer adm.Close()
	for range maxSnapshots {
		before, err := committedInput(ctx, adm, c.layout.Prefix)
		if err != nil {
			return nil, err
		}
		s := &snapshot{committed: before, escalations: map[int32][][]byte{}, changelog: map[int32]map[string][]byte{}}
		if err := s.read(ctx, c); err != nil {
			return nil, err
		}
		after, err := committedInput(ctx, adm, c.layout.Prefix)
		if err != nil {
			return nil, err
		}
		if maps.Equal(before, after) {
			return s, nil
		}
	}
	return nil, errors.New("the processor commits without a pause; stop it, or stop the bridge, and verify again")
}

// processorGroup is the consumer group of the processor, as package stream names
// it.
func processorGroup(prefix string) string { return strings.TrimRight(prefix, ".-_") + "-processor" }

func committedInput(ctx context.Context, adm *kadm.Client, prefix string) (map[int32]int64, error) {
	group := processorGroup(prefix)
	offsets, err := adm.FetchOffsets(ctx, group)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("offsets of group %s: %w", group, err)
	}
	committed := make(map[int32]int64)
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Topic == schemas.ConversationEvents.Name(prefix) {
			committed[o.Partition] = o.At
		}
	})
	if len(committed) == 0 {
		return nil, fmt.Errorf("group %s has committed nothing yet", group)
	}
	return committed, nil
}

func (s *snapshot) read(ctx context.Context, c *cluster) error {
	err := kafka.ReadToEnd(ctx, c.kafka, schemas.Escalations.Name(c.layout.Prefix), func(r *kgo.Record) error {
		s.escalations[r.Partition] = append(s.escalations[r.Partition], r.Value)
		return nil
	})
	if err != nil {
		return err
	}
	return kafka.ReadToEnd(ctx, c.kafka, schemas.SLAChangelog.Name(c.layout.Prefix), func(r *kgo.Record) error {
		state := s.changelog[r.Partition]
		if state == nil {
			state = make(map[string][]byte)
			s.changelog[r.Partition] = state
		}
		if r.Value == nil {
			delete(state, string(r.Key))
		} else {
			state[string(r.Key)] = r.Value
		}
		return nil
	})
}

// recompute applies the input to handlers of its own.
func recompute(ctx context.Context, c *cluster, orgs *orgconfig.Store, snap *snapshot) (partitions map[int32]*audit.Partition, records int, err error) {
	handlers := processor.Config{
		Rules: processor.NewRules(orgs), Metrics: processor.NewMetrics(nil), Logger: slog.New(slog.DiscardHandler),
	}
	partitions = make(map[int32]*audit.Partition)
	for id, limit := range snap.committed {
		if partitions[id], err = audit.NewPartition(id, limit, processor.NewHandler(ctx, handlers)); err != nil {
			return partitions, 0, err
		}
	}
	topic := schemas.ConversationEvents.Name(c.layout.Prefix)
	err = kafka.ReadToEnd(ctx, c.kafka, topic, func(r *kgo.Record) error {
		p := partitions[r.Partition]
		if p == nil || r.Offset >= snap.committed[r.Partition] {
			return nil
		}
		records++
		if err := p.Apply(stream.Record{Offset: r.Offset, AppendTime: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}); err != nil {
			return fmt.Errorf("%s/%d offset %d: %w", topic, r.Partition, r.Offset, err)
		}
		return nil
	})
	for _, p := range partitions {
		err = errors.Join(err, p.Finish())
	}
	return partitions, records, err
}
