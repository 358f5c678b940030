package replay

import (
	"cmp"
	"math"

	"unpark/processor/stream"
)

// place is where in a replay something was told. What several shards tell is in
// the order of their places as one partition would have told it.
type place struct {
	step int64  // the fact's number
	tick int64  // the time of the tick before it; afterTicks: the fact itself
	key  string // of the entry that the tick handled
}

const afterTicks = math.MaxInt64

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.step, o.step), cmp.Compare(p.tick, o.tick), cmp.Compare(p.key, o.key))
}

// ordered is a handler that remembers the places of what it tells. A transaction
// may be applied anew (Reset), so places follow from the records, not from calls.
type ordered struct {
	stream.Handler
	tx orderedTx

	step   int64   // of the fact in hand
	first  int64   // offset of the transaction's first record
	steps  []int64 // of the transaction's records
	ticks  []int64 // of those that are ticks
	tick   int     // how many ticks are done
	places []place // of the transaction's outputs, dead letters aside
}

// orderedTx sees what the handler emits.
type orderedTx struct {
	stream.Tx
	of   *ordered
	here place
	key  []byte // becomes here's key if something is told
}

func newOrdered(h stream.Handler) *ordered {
	o := &ordered{Handler: h}
	o.tx.of = o
	return o
}

// log is a Driver's Log.
func (o *ordered) log(rec stream.Record) {
	o.steps = append(o.steps, o.step)
	if rec.Input.GetTick() != nil {
		o.ticks = append(o.ticks, o.step)
	}
}

// commit begins the next transaction, whose first record has the offset.
func (o *ordered) commit(offset int64) {
	o.first, o.steps, o.ticks, o.tick, o.places = offset, o.steps[:0], o.ticks[:0], 0, o.places[:0]
}

func (o *ordered) within(tx stream.Tx, here place, key []byte) stream.Tx {
	o.tx.Tx, o.tx.here, o.tx.key = tx, here, key
	return &o.tx
}

// Emit implements stream.Tx.
func (x *orderedTx) Emit(out stream.Output) {
	if out.OwnInput() {
		x.Tx.Emit(out)
		return
	}
	if x.key != nil {
		x.here.key, x.key = string(x.key), nil
	}
	x.of.places = append(x.of.places, x.here)
	x.Tx.Emit(out)
}

// Process implements stream.Handler.
func (o *ordered) Process(tx stream.Tx, rec stream.Record) error {
	return o.Handler.Process(o.within(tx, place{step: o.steps[rec.Offset-o.first], tick: afterTicks}, nil), rec)
}

// Punctuate implements stream.Handler.
func (o *ordered) Punctuate(tx stream.Tx, key []byte, due int64) (bool, error) {
	return o.Handler.Punctuate(o.within(tx, place{step: o.ticks[o.tick], tick: tx.Now()}, key), key, due)
}

// Tick implements stream.Handler.
func (o *ordered) Tick(tx stream.Tx) (bool, error) {
	here := place{step: o.ticks[o.tick], tick: tx.Now(), key: "\xff"}
	o.tick++
	return o.Handler.Tick(o.within(tx, here, nil))
}

// Reset implements stream.Handler.
func (o *ordered) Reset() {
	o.tick, o.places = 0, o.places[:0]
	o.Handler.Reset()
}
