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

// told is what a shard tells, and where it belongs.
type told struct {
	place  place
	shard  int
	output stream.Output
}

func (t told) compare(o told) int {
	return cmp.Or(t.place.compare(o.place), cmp.Compare(t.shard, o.shard))
}
