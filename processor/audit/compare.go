package audit

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"unpark/schemas"
)

// Kind says what a difference is about.
type Kind string

// Kinds of differences.
const (
	MissingEscalation Kind = "missing_escalation" // decided and not written
	ExtraEscalation   Kind = "extra_escalation"   // written and not decided, or written twice
	OtherOrder        Kind = "other_order"        // written in another order than decided
	MissingState      Kind = "missing_state"      // in the state and not on the changelog
	ExtraState        Kind = "extra_state"        // on the changelog and not in the state
	OtherState        Kind = "other_state"        // another value on the changelog
	OtherPosition     Kind = "other_position"     // the changelog stands elsewhere than the group
)

// Difference is one way in which a cluster is not what its input leads to.
type Difference struct {
	Partition int32  `json:"partition"`
	Kind      Kind   `json:"kind"`
	Key       string `json:"key"`
	Detail    string `json:"detail"`
}

func (d Difference) String() string {
	return fmt.Sprintf("partition %d: %s: %s: %s", d.Partition, d.Kind, d.Key, d.Detail)
}

// CompareEscalations compares the values on the partition of escalations, in
// order, with the recomputed ones, byte for byte.
func (p *Partition) CompareEscalations(written [][]byte) []Difference {
	if slices.EqualFunc(p.escalations, written, bytes.Equal) {
		return nil
	}
	want, got := tally(p.escalations), tally(written)
	var ds []Difference
	for _, value := range slices.Sorted(maps.Keys(want)) {
		if n := want[value] - got[value]; n > 0 {
			ds = append(ds, p.escalation(MissingEscalation, value, want[value], got[value]))
		}
	}
	for _, value := range slices.Sorted(maps.Keys(got)) {
		if n := got[value] - want[value]; n > 0 {
			ds = append(ds, p.escalation(ExtraEscalation, value, want[value], got[value]))
		}
	}
	if len(ds) == 0 {
		ds = append(ds, Difference{p.id, OtherOrder, "escalations", "written in another order than decided"})
	}
	return ds
}

func tally(values [][]byte) map[string]int {
	n := make(map[string]int, len(values))
	for _, v := range values {
		n[string(v)]++
	}
	return n
}

func (p *Partition) escalation(kind Kind, value string, decided, written int) Difference {
	key := "a record that is no escalation"
	if e, err := schemas.DecodeEscalation([]byte(value)); err == nil {
		key = fmt.Sprintf("%s %s of conversation %s at %s", e.ID, e.Status, e.Conversation, e.At)
	}
	return Difference{p.id, kind, key, fmt.Sprintf("decided %d times, written %d times", decided, written)}
}

// CompareState compares the newest values of the changelog, by key, with the
// recomputed state.
func (p *Partition) CompareState(changelog map[string][]byte) ([]Difference, error) {
	var ds []Difference
	seen := map[string]bool{string(schemas.MetaKey): true}
	err := p.driver.State(func(key, value []byte) bool {
		seen[string(key)] = true
		written, ok := changelog[string(key)]
		switch {
		case !ok:
			ds = append(ds, p.state(MissingState, string(key), "in the state and not on the changelog"))
		case !equalState(key, value, written):
			ds = append(ds, p.state(OtherState, string(key), "the changelog holds another value"))
		}
		return true
	})
	for _, key := range slices.Sorted(maps.Keys(changelog)) {
		if !seen[key] {
			ds = append(ds, p.state(ExtraState, key, "on the changelog and not in the state"))
		}
	}
	return append(ds, p.comparePosition(changelog[string(schemas.MetaKey)])...), err
}

func (p *Partition) state(kind Kind, key, detail string) Difference {
	return Difference{p.id, kind, fmt.Sprintf("%q", key), detail}
}

func (p *Partition) comparePosition(value []byte) []Difference {
	var meta schemas.PartitionMeta
	if err := meta.UnmarshalVT(value); err != nil {
		return []Difference{{p.id, OtherPosition, "meta", err.Error()}}
	}
	var ds []Difference
	if meta.InputPosition != p.limit {
		ds = append(ds, Difference{p.id, OtherPosition, "input position", fmt.Sprintf("the changelog stands at %d, the group at %d", meta.InputPosition, p.limit)})
	}
	if meta.NowMs != p.driver.Now() {
		ds = append(ds, Difference{p.id, OtherPosition, "now", fmt.Sprintf("the changelog has %s, recomputed is %s", schemas.Instant(meta.NowMs), schemas.Instant(p.driver.Now()))})
	}
	return ds
}

// equalState compares what two encodings mean: a map's has no order.
func equalState(key, a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, xerr := decodeState(key, a)
	y, yerr := decodeState(key, b)
	return x != nil && errors.Join(xerr, yerr) == nil && proto.Equal(x, y)
}

func decodeState(key, value []byte) (proto.Message, error) {
	switch key[0] {
	case schemas.KindConversation:
		return schemas.DecodeState(value)
	case schemas.KindOrg:
		st := new(schemas.OrgState)
		return st, proto.Unmarshal(value, st)
	case schemas.KindSource:
		st := new(schemas.SourceState)
		return st, proto.Unmarshal(value, st)
	}
	return nil, nil
}
