package replay

import (
	"errors"
	"fmt"

	"unpark/processor/store"
	"unpark/processor/stream"
	"unpark/schemas"
)

// partition is the driver's own; a replay is one partition to itself.
const partition = 0

// commitEvery bounds the records of one transaction. What opens and closes within
// one never reaches the store, which is what costs most (BenchmarkPipe).
const commitEvery = 10_000

// Driver applies records to a handler as one partition, and moves its time by
// the times that the records carry (ARCHITECTURE.md, "Time is in the log"). A
// Driver belongs to one goroutine. Instants are epoch milliseconds.
type Driver struct {
	// Log, if set, sees every record that is applied, ticks too, in order.
	Log func(stream.Record)

	store   *store.Store
	state   *store.Partition
	task    *stream.Task
	sink    func(stream.Output) error
	offset  int64 // of the next record
	applied int
}

// New returns a driver that passes what the handler emits to sink, in order. What
// the partition would tell itself is dropped: the log is as it is.
func New(handler stream.Handler, sink func(stream.Output) error) (*Driver, error) {
	s, err := store.OpenMemory()
	if err != nil {
		return nil, err
	}
	state := s.Partition(partition)
	task, err := stream.NewTask(stream.TaskConfig{
		Partitions: 1, Topic: schemas.ConversationEvents.Suffix, Store: state, Handler: handler,
	})
	if err != nil {
		return nil, fmt.Errorf("start replay: %w", err)
	}
	return &Driver{store: s, state: state, task: task, sink: sink}, nil
}

// Pipe applies an input whose own time is at: what falls due before it, the tick
// of its own time, and the input.
func (d *Driver) Pipe(in *schemas.InputRecord, at int64) error {
	if err := d.AdvanceTo(at); err != nil {
		return err
	}
	return d.Apply(in)
}

// Apply applies an input without moving time.
func (d *Driver) Apply(in *schemas.InputRecord) error {
	return d.apply(in, d.task.Now())
}

// NextDue returns the instant at which something falls due next, if anything does.
func (d *Driver) NextDue() (at int64, ok bool, err error) { return d.task.NextDue() }

// Advance ticks at every instant up to until at which something falls due.
func (d *Driver) Advance(until int64) error {
	for {
		due, ok, err := d.task.NextDue()
		if err != nil {
			return err
		}
		if due = max(due, d.task.Now()); !ok || due > until {
			return nil
		}
		if err := d.Tick(due); err != nil {
			return err
		}
	}
}

// AdvanceTo is Advance, and a tick at until itself: time has come to it.
func (d *Driver) AdvanceTo(until int64) error {
	if err := d.Advance(until); err != nil || until <= d.task.Now() {
		return err
	}
	return d.Tick(until)
}

// Tick moves time to at, without a limit on what is handled; what a tick leaves
// over is done by the next ones.
func (d *Driver) Tick(at int64) error {
	tick := &schemas.InputRecord{Kind: &schemas.InputRecord_Tick{Tick: &schemas.Tick{ClockMs: at}}}
	for {
		if err := d.apply(tick, at); err != nil {
			return err
		}
		if !d.task.More() {
			return nil
		}
	}
}

func (d *Driver) apply(in *schemas.InputRecord, at int64) error {
	return d.ApplyRecord(stream.Record{Offset: d.offset, AppendTime: at, Input: in})
}

// ApplyRecord applies a record of a partition's log as it stands there, its ticks
// included: what the processor decided on it is decided again.
func (d *Driver) ApplyRecord(rec stream.Record) error {
	d.offset = rec.Offset + 1
	d.applied++
	if d.Log != nil {
		d.Log(rec)
	}
	if err := d.task.Apply(rec); err != nil {
		return err
	}
	if d.applied%commitEvery == 0 {
		return d.Commit()
	}
	return nil
}

// Commit passes on what was emitted so far.
func (d *Driver) Commit() error {
	if _, err := d.task.Flush(); err != nil {
		return err
	}
	outputs := d.task.Outputs()
	if err := d.task.Commit(d.offset); err != nil {
		return err
	}
	for _, o := range outputs {
		if o.OwnInput() {
			continue
		}
		if err := d.sink(o); err != nil {
			return err
		}
	}
	return nil
}

// Now is the time of the newest tick.
func (d *Driver) Now() int64 { return d.task.Now() }

// State calls fn with every key and value of the committed state, by the keys of
// the changelog, in order, until fn returns false.
func (d *Driver) State(fn func(key, value []byte) bool) error {
	return d.state.Scan(nil, nil, fn)
}

// Close ends the replay. What is not committed is lost.
func (d *Driver) Close() error { return errors.Join(d.task.Close(), d.store.Close()) }
