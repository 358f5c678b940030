package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/connectors/kafka"
	"unpark/connectors/orgconfig"
	"unpark/processor/audit"
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
waited for: the comparison needs a moment in which it commits nothing. It needs the whole
log, too: once retention has deleted the beginning of the input, it refuses.`,
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
	if err := cutOff(ctx, c); err != nil {
		return err
	}
	snap, err := takeSnapshot(ctx, c)
	if err != nil {
		return err
	}
	partitions, records, err := recompute(ctx, c, orgs, snap.committed)
	defer closePartitions(partitions)
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
		if len(before) == 0 {
			return nil, fmt.Errorf("group %s has committed nothing yet", processorGroup(c.layout.Prefix))
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

func (s *snapshot) read(ctx context.Context, c *cluster) error {
	escalations, changelog := schemas.Escalations.Name(c.layout.Prefix), schemas.SLAChangelog.Name(c.layout.Prefix)
	if err := kafka.AwaitStable(ctx, c.kafka, escalations, changelog); err != nil {
		return err
	}
	err := kafka.ReadToEnd(ctx, c.kafka, escalations, func(r *kgo.Record) error {
		s.escalations[r.Partition] = append(s.escalations[r.Partition], r.Value)
		return nil
	})
	if err != nil {
		return err
	}
	return kafka.ReadToEnd(ctx, c.kafka, changelog, func(r *kgo.Record) error {
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
