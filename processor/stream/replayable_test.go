package stream

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"unpark/processor/store"
	"unpark/schemas"
)

// What happens between two records of the input; none of it may show.
const (
	goOn = iota
	commitHere
	abortHere
	flushHere
	reopenHere
	restoreHere
	incidents
)

// TestTaskReplayable applies one input in many ways: in one transaction or many,
// with aborts, restarts and restores. The outputs and the state are the same.
func TestTaskReplayable(t *testing.T) {
	first := newBench(t)
	next := int32(0) // partitions are cheaper than stores
	rapid.Check(t, func(rt *rapid.T) {
		input := drawInput(rt)
		plain := &bench{t: t, store: first.store, last: &next}
		plain.fresh()
		plain.play(input, nil)
		other := &bench{t: t, store: first.store, last: &next}
		other.fresh()
		defer plain.close()
		defer other.close()
		plan := rapid.SliceOfN(rapid.IntRange(goOn, incidents-1), len(input), len(input)).Draw(rt, "incidents")
		other.play(input, plan)
		if diff := cmp.Diff(plain.outputs, other.outputs); diff != "" {
			rt.Errorf("outputs (-in one go +with incidents):\n%s", diff)
		}
		if diff := cmp.Diff(plain.contents(), other.contents()); diff != "" {
			rt.Errorf("state (-in one go +with incidents):\n%s", diff)
		}
	})
}

func drawInput(rt *rapid.T) []Record {
	var recs []Record
	now := int64(0)
	for i := range rapid.IntRange(1, 60).Draw(rt, "records") {
		rec := Record{Offset: int64(i)}
		if rapid.IntRange(0, 3).Draw(rt, "kind") == 0 {
			now += rapid.Int64Range(0, 8).Draw(rt, "passes")
			rec.AppendTime = now
			rec.Value = encode(tickInput(now, rapid.Uint32Range(0, 3).Draw(rt, "max due")))
		} else {
			c := fmt.Sprintf("c%d", rapid.IntRange(0, 5).Draw(rt, "conversation"))
			rec.Value = encode(eventInput(c, rapid.Int64Range(1, 60).Draw(rt, "look")))
		}
		recs = append(recs, rec)
	}
	return recs
}

// play applies the input; plan says what happens after each record.
func (b *bench) play(input []Record, plan []int) {
	b.t.Helper()
	for i := range input {
		b.mustApply(input[i])
		if plan == nil {
			continue
		}
		switch plan[i] {
		case commitHere:
			b.commit()
		case abortHere:
			b.task.Abort()
			for _, rec := range input[b.task.Position() : i+1] {
				b.mustApply(rec)
			}
		case flushHere:
			b.commit()
			b.flush()
		case reopenHere:
			b.commit()
			b.close()
			b.open(b.task.cfg.Store.ID())
		case restoreHere:
			b.commit()
			b.restore()
		}
	}
	b.commit()
}

func (b *bench) mustApply(rec Record) {
	b.t.Helper()
	if err := b.task.Apply(rec); err != nil {
		b.t.Fatal(err)
	}
}

// fresh goes on with an empty partition.
func (b *bench) fresh() *store.Partition {
	*b.last++
	b.open(*b.last)
	return b.task.cfg.Store
}

// restore goes on with another partition of the store, made from the changelog
// alone.
func (b *bench) restore() {
	b.t.Helper()
	b.close()
	p := b.fresh()
	rs := &restorer{runner: &runner{Runners: &Runners{metrics: b.metrics()}}, store: p, handler: newToy()}
	var c chunk
	for _, change := range b.log {
		c.records = append(c.records, &kgo.Record{Key: change.Key, Value: change.Value})
	}
	p.BeginRestore(rs.index)
	if err := errors.Join(rs.apply(c), p.EndRestore()); err != nil {
		b.t.Fatal(err)
	}
	b.openOn(p)
}

func (b *bench) flush() {
	b.t.Helper()
	if err := b.task.cfg.Store.Flush(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) close() {
	b.t.Helper()
	if err := b.task.Close(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) metrics() *metrics {
	b.t.Helper()
	m, err := newMetrics(prometheus.NewRegistry())
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// contents is the state, and the meta record but for the count of transactions.
func (b *bench) contents() map[string]string {
	b.t.Helper()
	all := make(map[string]string)
	p := b.task.cfg.Store
	if err := p.Scan(nil, nil, func(key, value []byte) bool {
		all[string(key)] = string(value)
		return true
	}); err != nil {
		b.t.Fatal(err)
	}
	pos, _, err := p.Position()
	if err != nil {
		b.t.Fatal(err)
	}
	meta, err := decodeMeta(pos.Meta)
	if err != nil {
		b.t.Fatal(err)
	}
	meta.Sequence = 0
	all[string(schemas.MetaKey)] = meta.String()
	return all
}
