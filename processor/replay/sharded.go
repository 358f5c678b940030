package replay

import (
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

	shard int
}

// Sharded judges a history as a Driver does, on several cores: what is decided of
// a conversation follows from its own facts, the rules and the time, so that each
// shard has some of the conversations and the times of all. What it tells is byte
// for byte, and in the order, what one Driver tells; of dead letters it tells the
// reason alone. Nothing that conversations share may be in the decisions: checks and
// actions are off. A Sharded belongs to one goroutine.
type Sharded struct {
	shards []*shard
	sink   func(stream.Output) error
	facts  []Fact
	steps  int64
	all    []told // memory of tell
}

// factsAtOnce is how many facts are judged before what they lead to is told. It is
// also what bounds a transaction.
const factsAtOnce = 1 << 15

// NewSharded returns a driver of as many shards as there are handlers, which passes
// what they emit to sink.
func NewSharded(handlers []stream.Handler, sink func(stream.Output) error) *Sharded {
	s := &Sharded{sink: sink}
	for _, h := range handlers {
		s.shards = append(s.shards, &shard{id: len(s.shards), engine: newEngine(h)})
	}
	return s
}

// Apply applies an input to every shard without moving time.
func (s *Sharded) Apply(in *schemas.InputRecord) error {
	if err := s.Commit(); err != nil {
		return err
	}
	return s.judge(func(one *shard) error { return one.engine.apply(in, s.steps) })
}

// Pipe adds a fact. It is judged with others, so that an error may be about an
// earlier one.
func (s *Sharded) Pipe(f Fact) error {
	if len(s.shards) > 1 {
		f.shard = owner(f.Conversation, len(s.shards))
	}
	s.facts = append(s.facts, f)
	if len(s.facts) < factsAtOnce {
		return nil
	}
	return s.Commit()
}

// Piped returns how many facts were added.
func (s *Sharded) Piped() int64 { return s.steps + int64(len(s.facts)) }

// Judged returns how many of them, the first ones, are judged; their inputs are not
// used any more.
func (s *Sharded) Judged() int64 { return s.steps }

// AdvanceTo lets time go on to until.
func (s *Sharded) AdvanceTo(until int64) error {
	if err := s.Commit(); err != nil {
		return err
	}
	return s.judge(func(one *shard) error { return one.advanceTo(until, s.steps) })
}

// Commit judges what was added and passes on what was emitted.
func (s *Sharded) Commit() error {
	if len(s.facts) == 0 {
		return nil
	}
	err := s.judge(func(one *shard) error { return one.pipe(s.facts, s.steps) })
	s.steps += int64(len(s.facts))
	clear(s.facts)
	s.facts = s.facts[:0]
	return err
}

// judge has every shard do its part and tells what comes of it, in order.
func (s *Sharded) judge(part func(*shard) error) error {
	errs := make([]error, len(s.shards))
	var wg sync.WaitGroup
	for i, one := range s.shards {
		wg.Go(func() { errs[i] = one.run(part) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.tell()
}

// tell merges what the shards tell.
func (s *Sharded) tell() error {
	all := s.all[:0]
	for _, one := range s.shards {
		all = append(all, one.engine.out...)
		clear(one.engine.out)
		one.engine.out = one.engine.out[:0]
	}
	slices.SortStableFunc(all, told.compare)
	for _, t := range all {
		if err := s.sink(t.output); err != nil {
			return err
		}
	}
	clear(all)
	s.all = all
	return nil
}

// shard has some of the conversations.
type shard struct {
	id     int
	engine *engine
	newest int64 // of the times of all facts
}

// run does a part, anew if something in it has to be left out.
func (s *shard) run(part func(*shard) error) error {
	newest := s.newest
	return s.engine.run(func() error {
		s.newest = newest
		return part(s)
	})
}

// pipe judges the shard's part of facts, the first of which has the number first.
func (s *shard) pipe(facts []Fact, first int64) error {
	for i := range facts {
		f, step := &facts[i], first+int64(i)
		if s.newest = max(s.newest, f.At); f.At == s.newest {
			if err := s.engine.advance(f.At, step); err != nil {
				return err
			}
		}
		if f.shard != s.id {
			continue
		}
		if err := s.apply(f.Input, step); err != nil {
			return fmt.Errorf("conversation %s: %w", f.Conversation, err)
		}
	}
	return nil
}

// apply applies an input at the time to which all facts have moved it.
func (s *shard) apply(in *schemas.InputRecord, step int64) error {
	if s.newest > s.engine.cur.now {
		if err := s.engine.tick(s.newest, step); err != nil {
			return err
		}
	}
	return s.engine.apply(in, step)
}

// advanceTo ticks at what falls due up to until, and at until.
func (s *shard) advanceTo(until, step int64) error {
	s.newest = max(s.newest, until)
	if err := s.engine.advance(until, step); err != nil || until <= s.engine.cur.now {
		return err
	}
	return s.engine.tick(until, step)
}

// owner is the shard that has a conversation.
func owner(conversation string, shards int) int {
	h := uint32(2166136261) // FNV-1a
	for i := range len(conversation) {
		h = (h ^ uint32(conversation[i])) * 16777619
	}
	return int(h % uint32(shards))
}
