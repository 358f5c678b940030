package loadgen_test

import (
	"hash/fnv"
	"testing"
	"time"

	"unpark/bench/loadgen"
	"unpark/schemas"
)

// summary is what a test looks at in a generated day.
type summary struct {
	hash                     uint64
	events, twice, late      int
	open, peak, closed       int
	perConversation          map[string]int
	lastTick                 [2]int64
	ticks                    int
	outOfOrder, unevenlyTick bool
}

func generate(t *testing.T, seed uint64) summary {
	t.Helper()
	end := time.UnixMilli(1_780_000_000_000)
	s, h := summary{perConversation: make(map[string]int)}, fnv.New64a()
	var before loadgen.Record
	events, err := loadgen.Day{Events: 20_000, Partitions: 2, Seed: seed, End: end}.Generate(func(r loadgen.Record) error {
		_, _ = h.Write(r.Value)
		s.outOfOrder = s.outOfOrder || r.AppendTime < before.AppendTime
		in := new(schemas.InputRecord)
		if err := in.UnmarshalVT(r.Value); err != nil {
			return err
		}
		if e := in.GetEvent(); e != nil {
			s.add(e, r, string(before.Value) == string(r.Value))
		} else {
			s.unevenlyTick = s.unevenlyTick || s.lastTick[r.Partition] != 0 && r.AppendTime != s.lastTick[r.Partition]+10_000
			s.lastTick[r.Partition] = r.AppendTime
			s.ticks++
		}
		before = r
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if events != s.events {
		t.Errorf("said %d events and made %d", events, s.events)
	}
	if s.lastTick != [2]int64{end.UnixMilli(), end.UnixMilli()} {
		t.Errorf("the last ticks are at %v, want the end", s.lastTick)
	}
	s.hash = h.Sum64()
	return s
}

func (s *summary) add(e *schemas.ConversationEvent, r loadgen.Record, again bool) {
	s.events++
	if again {
		s.twice++
		return
	}
	if s.perConversation[e.ConversationId]++; s.perConversation[e.ConversationId] == 1 {
		s.open++
	}
	s.peak = max(s.peak, s.open)
	if e.EventTimeMs < r.AppendTime {
		s.late++
	}
	if e.Topic == schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END {
		s.open--
		s.closed++
	}
}

func TestDay(t *testing.T) {
	s := generate(t, 1)
	if s.outOfOrder || s.unevenlyTick {
		t.Errorf("append times go back: %v; ticks are uneven: %v", s.outOfOrder, s.unevenlyTick)
	}
	if s.open != 0 || s.closed != len(s.perConversation) {
		t.Errorf("%d of %d conversations have ended, %d are open", s.closed, len(s.perConversation), s.open)
	}
	for id, n := range s.perConversation {
		if n < 6 || n > 10 {
			t.Errorf("conversation %s has %d events", id, n)
		}
	}
	within := func(what string, got, low, high int) {
		if got < low || got > high {
			t.Errorf("%d %s, want %d to %d", got, what, low, high)
		}
	}
	within("events", s.events, 19_900, 20_100)
	within("events that come twice", s.twice, 50, 150)
	within("ends that come late", s.late, 3, 40)
	within("conversations open at the peak", s.peak, 800, 1_300)
	within("ticks", s.ticks, 2*8_640, 2*8_640)
}

func TestDayFollowsFromSeed(t *testing.T) {
	one, again, other := generate(t, 1), generate(t, 1), generate(t, 2)
	if one.hash != again.hash || one.hash == other.hash {
		t.Errorf("seed 1 gives %x and %x, seed 2 %x", one.hash, again.hash, other.hash)
	}
}
