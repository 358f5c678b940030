package processor_test

import (
	"slices"

	"pgregory.net/rapid"

	"unpark/schemas"
)

func (s *story) message(by schemas.Author) {
	s.messages = append(s.messages, &schemas.ThreadMessage{AtMs: s.at, By: by})
}

// observe is a look at the API: it sees most of what was written, and now and
// then a message from before the start or none at all.
func (s *story) observe(ended bool) {
	o := &schemas.ThreadObserved{OrgId: s.org, ConversationId: s.id, ObservedAtMs: s.at}
	switch rapid.IntRange(0, 5).Draw(s.t, "thread") {
	case 0:
	case 1:
		o.Messages = slices.DeleteFunc(slices.Clone(s.messages), func(*schemas.ThreadMessage) bool { return s.chance(3, "vanishes") })
	case 2:
		before := s.customerSince - rapid.SampledFrom([]int64{1, 5 * minute, 15 * minute, 15*minute + 1}).Draw(s.t, "before")
		by := rapid.SampledFrom([]schemas.Author{schemas.Author_AUTHOR_CUSTOMER, schemas.Author_AUTHOR_AGENT}).Draw(s.t, "by")
		o.Messages = append([]*schemas.ThreadMessage{{AtMs: before, By: by}}, s.messages...)
	default:
		o.Messages = slices.Clone(s.messages)
	}
	if s.chance(8, "unordered") {
		slices.Reverse(o.Messages)
	}
	if s.chance(4, "started") {
		at := s.customerSince - rapid.SampledFrom([]int64{0, 0, 1, 5 * minute, hour}).Draw(s.t, "started before")
		o.StartedAtMs = &at
	}
	if ended || s.chance(15, "ended") {
		at := s.at - rapid.SampledFrom([]int64{0, 5 * second, 5 * minute, 30 * minute}).Draw(s.t, "ended before")
		o.EndedAtMs = &at
	}
	if s.chance(2, "agent") {
		o.Agent = &schemas.Agent{Id: rapid.SampledFrom(agents).Draw(s.t, "agent id")}
		if s.chance(2, "agent known") {
			o.Agent.Name, o.Agent.State, o.Agent.SinceMs = "Ann Example", "parked", &s.customerSince
		}
	}
	if s.chance(3, "observed queue") {
		o.QueueId = rapid.SampledFrom(queues).Draw(s.t, "observed queue id")
		o.QueueName = rapid.SampledFrom([]string{"", "Support"}).Draw(s.t, "observed queue name")
	}
	s.heard(&schemas.InputRecord{Kind: &schemas.InputRecord_ThreadObserved{ThreadObserved: o}})
}

func (s *story) arrive(e *schemas.ConversationEvent) {
	s.heard(&schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: e}})
}

// heard lets an input arrive: mostly at once, sometimes late, twice or never.
func (s *story) heard(in *schemas.InputRecord) {
	if !s.prompt && s.chance(25, "lost") {
		return
	}
	s.arrivals = append(s.arrivals, arrival{in, inputTime(in) + s.delay()})
	for s.chance(8, "duplicate") {
		s.arrivals = append(s.arrivals, arrival{in, inputTime(in) + s.delay()})
	}
}

func (s *story) delay() int64 {
	if s.prompt {
		return rapid.SampledFrom([]int64{0, 0, 0, 5 * second, 20 * minute, 5 * hour}).Draw(s.t, "delay")
	}
	if s.chance(4, "late") {
		return rapid.SampledFrom([]int64{1, second, 5 * second, minute, 20 * minute, 2 * hour, day, 5 * day}).Draw(s.t, "delay")
	}
	return 0
}
