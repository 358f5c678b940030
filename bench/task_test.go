package bench

import (
	"context"
	"encoding/json"
	"syscall"
	"testing"
	"time"

	"unpark/bench/loadgen"
	"unpark/processor"
	"unpark/processor/sla"
	"unpark/processor/store"
	"unpark/processor/stream"
	"unpark/schemas"
)

// transactionRecords is what a transaction gathers of each of four partitions far behind the end.
const transactionRecords = 2_500

// BenchmarkTask is one record of the comparison's log in the processor without
// Kafka: decoded, applied, its state encoded and kept, on disk as well.
func BenchmarkTask(b *testing.B) {
	var log []stream.Record
	_, err := loadgen.Day{Events: b.N, Partitions: 1, Seed: 1, End: time.Now()}.Generate(func(r loadgen.Record) error {
		log = append(log, stream.Record{Offset: int64(len(loadgen.Orgs()) + len(log)), AppendTime: r.AppendTime, Key: r.Key, Value: r.Value})
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	task := newTask(b)
	changes := 0
	b.ReportAllocs()
	b.ResetTimer()
	begun := processCPU(b)
	for records := log; len(records) > 0; {
		n := min(transactionRecords, len(records))
		for _, rec := range records[:n] {
			if err := task.Apply(rec); err != nil {
				b.Fatal(err)
			}
		}
		records = records[n:]
		written, err := task.Flush()
		if err != nil {
			b.Fatal(err)
		}
		changes += len(written)
		if err := task.Commit(int64(changes)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(processCPU(b)-begun)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(changes)/float64(b.N), "changes/op")
}

func newTask(b *testing.B) *stream.Task {
	b.Helper()
	db, err := store.Open(b.TempDir(), store.Options{LayerSize: 24 << 20}) // what each of four partitions has
	if err != nil {
		b.Fatal(err)
	}
	handler := processor.NewHandler(context.Background(), processor.Config{Rules: processor.NewRules(everyOrg{}), Metrics: processor.NewMetrics(nil)})
	task, err := stream.NewTask(stream.TaskConfig{Partitions: 1, Topic: schemas.ConversationEvents.Suffix, Store: db.Partition(0), Handler: handler})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := task.Close(); err != nil {
			b.Error(err)
		}
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	for i, in := range activations() {
		if err := task.Apply(stream.Record{Offset: int64(i), Input: in}); err != nil {
			b.Fatal(err)
		}
	}
	return task
}

// activations put everyOrg's policy in force.
func activations() (inputs []*schemas.InputRecord) {
	for _, org := range loadgen.Orgs() {
		inputs = append(inputs, &schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: &schemas.ConfigActivated{
			OrgId: org, Part: schemas.PartRules, Version: "1",
		}}})
	}
	return inputs
}

// everyOrg has the policy of the comparison for whoever asks.
type everyOrg struct{}

func (everyOrg) Get(_ context.Context, key schemas.OrgConfigKey) ([]byte, bool, error) {
	tier := func(at time.Duration, kind string) sla.Tier {
		return sla.Tier{At: schemas.Duration(at), Kind: kind, Notify: []string{"all"}}
	}
	text, err := json.Marshal(sla.Rules{ID: key.Org, Timezone: "UTC", Policies: []sla.Policy{{
		Name: "replies", Match: sla.Match{Media: []string{"email", "message"}},
		Objectives: []sla.Objective{{Objective: sla.Reply, Hours: "always", Tiers: []sla.Tier{
			tier(3*time.Hour+30*time.Minute, sla.KindWarning), tier(4*time.Hour, sla.KindBreach),
		}}},
	}}})
	return text, true, err
}

// processCPU is the processor time that this process has used.
func processCPU(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkTaskDue is one conversation that falls due among b.N that do so in one
// second, without Kafka: found in the index, judged, told and kept.
func BenchmarkTaskDue(b *testing.B) {
	const dueAtOnce = 10_000
	task := newTask(b)
	offset, changes := int64(len(loadgen.Orgs())), 0
	commit := func() {
		written, err := task.Flush()
		if err != nil {
			b.Fatal(err)
		}
		changes += len(written)
		if err := task.Commit(int64(changes)); err != nil {
			b.Fatal(err)
		}
	}
	apply := func(in *schemas.InputRecord, at int64) {
		value, err := in.MarshalVT()
		if err != nil {
			b.Fatal(err)
		}
		if err := task.Apply(stream.Record{Offset: offset, AppendTime: at, Value: value}); err != nil {
			b.Fatal(err)
		}
		offset++
	}
	begin := time.Now().UnixMilli()
	crowd := &loadgen.Crowd{Open: 1, Partitions: 1, Seed: 1, End: time.UnixMilli(begin)}
	crowd.Begin()
	for i := range b.N {
		apply(&schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: crowd.Stranger(begin + int64(i)*1000/int64(b.N))}}, begin)
		if i%transactionRecords == 0 {
			commit()
		}
	}
	commit()
	b.ReportAllocs()
	b.ResetTimer()
	begun, fired := processCPU(b), task.Stats().Fired
	for now := begin + warning.Milliseconds() + 60_000; ; {
		apply(&schemas.InputRecord{Kind: &schemas.InputRecord_Tick{Tick: &schemas.Tick{ClockMs: now, MaxDue: dueAtOnce}}}, now)
		commit()
		if !task.More() {
			break
		}
	}
	b.ReportMetric(float64(processCPU(b)-begun)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(task.Stats().Fired-fired)/float64(b.N), "fired/op")
}
