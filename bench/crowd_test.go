package bench

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/testing/protocmp"

	"unpark/bench/loadgen"
	"unpark/internal/localtest"
	"unpark/processor"
	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

// newCrowdArena is an arena with a crowd of open conversations: a processor learns the
// orgs' configuration and is stopped, and their states are written to the changelog
// that it leaves. Whoever comes next restores them; to have ten million opened by
// events would take most of an hour.
func newCrowdArena(t *testing.T, crowd *loadgen.Crowd) *arena {
	t.Helper()
	a := newArena(t, nothing{}, nil, localtest.BenchJVM())
	c := a.ours(1)
	c.follow(100*time.Millisecond, func(int64) {})
	c.end()
	crowd.Begin()
	a.remember(crowd)
	return a
}

// nothing is a load without records.
type nothing struct{}

func (nothing) Generate(func(loadgen.Record) error) (int, error) { return 0, nil }

// remember writes the states of a crowd to the changelog.
func (a *arena) remember(crowd *loadgen.Crowd) {
	a.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(a.broker.Addr), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(20*time.Millisecond), kgo.MaxBufferedRecords(100_000))
	a.must(err)
	defer cl.Close()
	topic, place := schemas.SLAChangelog.Name(prefix), kgo.StickyKeyPartitioner(nil).ForTopic(input())
	var encoding sync.WaitGroup
	for w := range runtime.GOMAXPROCS(0) {
		encoding.Go(func() {
			for slot := w; slot < crowd.Open; slot += runtime.GOMAXPROCS(0) {
				org, id, st := crowd.State(slot)
				value, err := schemas.AppendState(nil, st)
				if err != nil {
					a.t.Error(err)
					return
				}
				rec := &kgo.Record{Topic: topic, Key: schemas.ConversationKey(org, id), Value: value}
				rec.Partition = int32(place.Partition(&kgo.Record{Key: []byte(id)}, partitions))
				cl.Produce(a.t.Context(), rec, func(_ *kgo.Record, err error) {
					if err != nil {
						a.t.Error(err)
					}
				})
			}
		})
	}
	encoding.Wait()
	a.must(cl.Flush(a.t.Context()))
	if a.t.Failed() {
		a.t.FailNow()
	}
}

// TestCrowdState holds the state that is written for a conversation of a crowd
// against what the processor makes of its events.
func TestCrowdState(t *testing.T) {
	crowd := &loadgen.Crowd{Open: 3, Partitions: 1, Seed: 1, End: time.Now()}
	crowd.Begin()
	handler := processor.NewHandler(t.Context(), processor.Config{Rules: processor.NewRules(everyOrg{}), Metrics: processor.NewMetrics(nil)})
	d, err := replay.New(handler, func(stream.Output) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	apply := func(in *schemas.InputRecord) {
		if err := d.Apply(in); err != nil {
			t.Fatal(err)
		}
	}
	for _, in := range activations() {
		apply(in)
	}
	const slot = 1
	for _, e := range crowd.Past(slot) {
		apply(&schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: e}})
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	org, id, want := crowd.State(slot)
	found := false
	err = d.State(func(key, value []byte) bool {
		if string(key) != string(schemas.ConversationKey(org, id)) {
			return true
		}
		got, err := schemas.DecodeState(value)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("state (-written +kept):\n%s", diff)
		}
		found = true
		return true
	})
	if err != nil || !found {
		t.Errorf("the conversation is not kept: found %v, error %v", found, err)
	}
}
