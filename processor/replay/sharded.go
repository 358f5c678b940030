package replay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"unpark/processor/stream"
	"unpark/schemas"
)

// Fact is an input of a history, whose own time is At, about a conversation.
type Fact struct {
	Input        *schemas.InputRecord
	At           int64
	Conversation string
}

// Sharded judges a history as a Driver does, on several cores: what is decided of
// a conversation follows from its own facts, the rules and the time, so that each
// shard has some of the conversations and the times of all. What it tells is byte
// for byte, and in the order, what one Driver tells; dead letters aside, which come
// earlier. Nothing that conversations share may be in the decisions: checks and
// actions are off. A Sharded belongs to one goroutine.
type Sharded struct {
	shards []*shard
	sink   func(stream.Output) error
	facts  []Fact
	steps  int64
}

// factsAtOnce is how many facts are judged before what they lead to is told. It is
// also what bounds a transaction.
const factsAtOnce = 1 << 15

// NewSharded returns a driver of as many shards as there are handlers, which passes
// what they emit to sink.
func NewSharded(handlers []stream.Handler, sink func(stream.Output) error) (*Sharded, error) {
	s := &Sharded{sink: sink}
	for i, h := range handlers {
		one, err := newShard(i, h)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.shards = append(s.shards, one)
	}
	return s, nil
}

// Apply applies an input to every shard without moving time.
func (s *Sharded) Apply(in *schemas.InputRecord) error {
	if err := s.Commit(); err != nil {
		return err
	}
	for _, one := range s.shards {
		if err := one.driver.Apply(in); err != nil {
			return err
		}
	}
	return nil
}

// Pipe adds a fact. It is judged with others, so that an error may be about an
// earlier one.
func (s *Sharded) Pipe(f Fact) error {
	s.facts = append(s.facts, f)
	if len(s.facts) < factsAtOnce {
		return nil
	}
	return s.Commit()
}

// AdvanceTo lets time go on to until.
func (s *Sharded) AdvanceTo(until int64) error {
	if err := s.Commit(); err != nil {
		return err
	}
	return s.judge(func(one *shard) error {
		one.order.step, one.newest = s.steps, max(one.newest, until)
		return one.driver.AdvanceTo(until)
	})
}

// Commit judges what was added and passes on what was emitted.
func (s *Sharded) Commit() error {
	facts := s.facts
	err := s.judge(func(one *shard) error { return one.pipe(facts, s.steps, len(s.shards)) })
	s.steps += int64(len(facts))
	clear(s.facts)
	s.facts = s.facts[:0]
	return err
}

// judge has every shard do its part and tells what comes of it, in order.
func (s *Sharded) judge(part func(*shard) error) error {
	errs := make([]error, len(s.shards))
	var wg sync.WaitGroup
	for i, one := range s.shards {
		wg.Go(func() {
			if errs[i] = part(one); errs[i] == nil {
				errs[i] = one.commit()
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.tell()
}

// tell merges what the shards tell.
func (s *Sharded) tell() error {
	var all []told
	for _, one := range s.shards {
		all = append(all, one.told...)
		one.told = one.told[:0]
	}
	slices.SortStableFunc(all, func(a, b told) int { return cmp.Or(a.place.compare(b.place), cmp.Compare(a.shard, b.shard)) })
	for _, t := range all {
		if err := s.sink(t.output); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the replay. What is not committed is lost.
func (s *Sharded) Close() (err error) {
	for _, one := range s.shards {
		err = errors.Join(err, one.driver.Close())
	}
	return err
}

// shard has some of the conversations.
type shard struct {
	id     int
	driver *Driver
	order  *ordered
	newest int64 // of the times of all facts
	told   []told
}

// told is what a shard tells, and where it belongs.
type told struct {
	place  place
	shard  int
	output stream.Output
}

func newShard(id int, h stream.Handler) (*shard, error) {
	s := &shard{id: id, order: newOrdered(h)}
	driver, err := New(s.order, func(o stream.Output) error {
		s.told = append(s.told, told{shard: id, output: o})
		return nil
	})
	if err != nil {
		return nil, err
	}
	driver.Log, driver.commitEvery = s.order.log, 0
	s.driver = driver
	return s, nil
}

// pipe judges the shard's part of facts, the first of which has the number first.
func (s *shard) pipe(facts []Fact, first int64, shards int) error {
	for i := range facts {
		f := &facts[i]
		s.order.step = first + int64(i)
		if s.newest = max(s.newest, f.At); f.At == s.newest {
			if err := s.driver.Advance(f.At); err != nil {
				return err
			}
		}
		if owner(f.Conversation, shards) != s.id {
			continue
		}
		if err := s.apply(f.Input); err != nil {
			return fmt.Errorf("conversation %s: %w", f.Conversation, err)
		}
	}
	return nil
}

// apply applies an input at the time to which all facts have moved it.
func (s *shard) apply(in *schemas.InputRecord) error {
	if s.newest > s.driver.Now() {
		if err := s.driver.Tick(s.newest); err != nil {
			return err
		}
	}
	return s.driver.Apply(in)
}

// commit ends the transaction and puts what was emitted in its place.
func (s *shard) commit() error {
	if err := s.driver.Commit(); err != nil {
		return err
	}
	next := 0
	for i := range s.told {
		if s.told[i].output.Topic.Suffix != schemas.DeadLetters.Suffix {
			s.told[i].place = s.order.places[next]
			next++
		}
	}
	s.order.commit(s.driver.offset)
	return nil
}

// owner is the shard that has a conversation.
func owner(conversation string, shards int) int {
	h := uint32(2166136261) // FNV-1a
	for i := range len(conversation) {
		h = (h ^ uint32(conversation[i])) * 16777619
	}
	return int(h % uint32(shards))
}
