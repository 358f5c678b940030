package loadgen

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"unpark/schemas"
)

// Shape of a day.
const (
	// spread is the time over which conversations begin.
	spread = 6 * time.Hour
	// length is the time from the first event to the last tick.
	length    = 24 * time.Hour
	tickEvery = 10 * time.Second
	maxDue    = 10_000 // of a tick, as the processor appends it
	orgs      = 20
	queues    = 200
	agents    = 5000
)

// Record is a record of conversation-events. Events go to the partition of their
// key; ticks have no key and go to Partition.
type Record struct {
	Key, Value []byte
	Partition  int32
	AppendTime int64 // epoch milliseconds
}

// Day is a day of many conversations of 6 to 10 events, in the order in which
// they arrive: in order of time, but for the ends that come late. One in twenty
// conversations stalls for 3.5 to 5 h, and half of those that stall before their
// end learn only then that they were over all the time; one event in 200 comes
// twice. A tick stands in every partition every ten seconds.
type Day struct {
	Events     int // about; whole conversations, ticks not counted
	Partitions int32
	Seed       uint64
	// End is the append time of the last tick. Nothing is open by then.
	End time.Time
}

var orgIDs = func() (ids [orgs]string) {
	for i := range ids {
		ids[i] = fmt.Sprintf("%08x-0000-4000-8000-00000000000a", i)
	}
	return ids
}()

// Orgs returns the ids of the orgs that the conversations belong to.
func Orgs() []string { return orgIDs[:] }

// Generate calls emit for each record and returns the number of events among
// them.
func (d Day) Generate(emit func(Record) error) (events int, err error) {
	g := generator{
		Day: d, emit: emit, rng: rand.New(rand.NewPCG(d.Seed, 42)), orgs: Orgs(),
		begin: d.End.Add(-length).UnixMilli(), tick: d.End.Add(-length).UnixMilli(),
	}
	g.queues, g.agents, g.division = g.uuids(queues), g.uuids(agents), g.uuid()
	return g.run()
}

type generator struct {
	Day
	emit                 func(Record) error
	rng                  *rand.Rand
	orgs, queues, agents []string
	division             string

	begin, tick int64
	open        conversations
	planned     int // events of all conversations begun
	begun       int
	events      int
}

func (g *generator) run() (int, error) {
	for {
		next := g.begin + int64(g.begun)*spread.Milliseconds()/int64(g.Events/8+1)
		if g.planned < g.Events && (len(g.open) == 0 || next <= g.open[0].at) {
			heap.Push(&g.open, g.conversation(next))
			continue
		}
		if len(g.open) == 0 {
			break
		}
		if err := g.advance(); err != nil {
			return g.events, err
		}
	}
	return g.events, g.ticks(g.End.UnixMilli())
}

func (g *generator) advance() error {
	c := g.open[0]
	if err := g.ticks(c.at); err != nil {
		return err
	}
	value, err := Encode(g.event(c))
	if err != nil {
		return err
	}
	last := c.step == c.events-1
	for range g.times(last) {
		g.events++
		if err := g.emit(Record{Key: []byte(c.id), Value: value, AppendTime: c.at}); err != nil {
			return err
		}
	}
	if c.step++; last {
		heap.Pop(&g.open)
		return nil
	}
	c.next(g.rng)
	heap.Fix(&g.open, 0)
	return nil
}

// Encode returns the value of the event's record.
func Encode(e *schemas.ConversationEvent) ([]byte, error) {
	return (&schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: e}}).MarshalVT()
}

// times is how often an event comes.
func (g *generator) times(last bool) int {
	if !last && g.rng.IntN(200) == 0 {
		g.planned++
		return 2
	}
	return 1
}

// ticks appends the ticks up to at.
func (g *generator) ticks(at int64) error {
	for g.tick+tickEvery.Milliseconds() <= at {
		g.tick += tickEvery.Milliseconds()
		value, err := (&schemas.InputRecord{Kind: &schemas.InputRecord_Tick{Tick: &schemas.Tick{ClockMs: g.tick, MaxDue: maxDue, Owner: "loadgen"}}}).MarshalVT()
		if err != nil {
			return err
		}
		for p := range g.Partitions {
			if err := g.emit(Record{Partition: p, Value: value, AppendTime: g.tick}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *generator) uuid() string {
	a, b := g.rng.Uint64(), g.rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0xfff, b&0xffffffffffff)
}

func (g *generator) uuids(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = g.uuid()
	}
	return ids
}
