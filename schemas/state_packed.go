package schemas

import (
	"maps"
	"math"
	"slices"
)

// span is from the earliest to the latest of some times; first is the later one
// before there are any.
type span struct{ first, last int64 }

// timesOf returns the span of those that have a short form.
func timesOf(st *ConversationState) span {
	s := span{math.MaxInt64, math.MinInt64}
	if st.Episode != nil {
		s.episode(st.Episode)
	}
	if st.Unsure.GetEpisode() != nil {
		s.episode(st.Unsure.Episode)
	}
	return s
}

func (s *span) add(at int64) { s.first, s.last = min(s.first, at), max(s.last, at) }

func (s *span) optional(at *int64) {
	if at != nil {
		s.add(*at)
	}
}

func (s *span) episode(ep *Episode) {
	for _, session := range ep.Sessions {
		s.optional(session.StartedAtMs)
		s.optional(session.EndedAtMs)
	}
	for _, f := range ep.facts() {
		if f != nil {
			s.add(f.AtMs)
		}
	}
	for _, f := range ep.Attributes {
		s.add(f.AtMs)
	}
	for _, r := range ep.Raised {
		s.add(r.StartMs)
		s.add(r.DueMs)
	}
	if o := ep.Observation; o != nil {
		s.add(o.ObservedAtMs)
		s.optional(o.StartedAtMs)
		s.optional(o.EndedAtMs)
		if o.Agent != nil {
			s.optional(o.Agent.SinceMs)
		}
		for _, m := range o.Messages {
			s.add(m.AtMs)
		}
	}
}

// facts returns the episode's facts that are fields; those not known are nil.
func (ep *Episode) facts() [5]*Fact {
	return [...]*Fact{ep.FirstStart, ep.Queue, ep.Division, ep.Media, ep.MessageType}
}

// packer moves values into the short forms of a state: those that the encoder does
// not write by itself.
type packer struct{ *tableWriter }

func (p *packer) text(to *uint32, from *string) {
	*to, *from = p.ref(*from), ""
}

func (p *packer) time(to *uint64, from *int64) {
	*to, *from = p.distance(*from), 0
}

func (p *packer) optional(to *uint64, from **int64) {
	if *from != nil {
		*to, *from = p.distance(**from), nil
	}
}

func (p *packer) episode(ep *Episode) {
	p.attributes(ep)
	if ep.Observation != nil {
		ep.Observed = p.observation(ep.Observation)
	}
	for _, r := range ep.Raised {
		p.time(&r.Start, &r.StartMs)
		p.time(&r.Due, &r.DueMs)
		p.text(&r.ObjectiveRef, &r.Objective)
		p.text(&r.KindRef, &r.Kind)
		p.text(&r.PolicyRef, &r.Policy)
		p.text(&r.PolicyVersionRef, &r.PolicyVersion)
		p.text(&r.SchedulesVersionRef, &r.SchedulesVersion)
	}
}

func (p *packer) attributes(ep *Episode) {
	if len(ep.Attributes) == 0 {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(ep.Attributes)) {
		f := ep.Attributes[key]
		p.fact(f)
		ep.AttributeList = append(ep.AttributeList, &Attribute{KeyRef: p.ref(key), Fact: f})
	}
	ep.Attributes = nil
}

func (p *packer) fact(f *Fact) {
	p.text(&f.ValueRef, &f.Value)
	p.text(&f.SessionRef, &f.SessionId)
	p.time(&f.At, &f.AtMs)
}

func (p *packer) observation(o *ThreadObserved) *Observed {
	short := &Observed{}
	p.time(&short.ObservedAt, &o.ObservedAtMs)
	p.optional(&short.StartedAt, &o.StartedAtMs)
	p.optional(&short.EndedAt, &o.EndedAtMs)
	p.text(&short.QueueRef, &o.QueueId)
	p.text(&short.QueueNameRef, &o.QueueName)
	if a := o.Agent; a != nil {
		p.text(&short.AgentRef, &a.Id)
		p.text(&short.AgentNameRef, &a.Name)
		p.text(&short.ParticipantRef, &a.ParticipantId)
		p.text(&short.AgentStateRef, &a.State)
		p.optional(&short.AgentSince, &a.SinceMs)
	}
	if p.inShort(o.Messages) {
		short.Messages = p.messages(o.Messages)
		o.Messages = nil
	}
	return short
}

const (
	authorBits = 2
	// maxGap is the distance that leaves room for the author's bits.
	maxGap = math.MaxUint64 >> authorBits
)

// inShort reports whether the messages have a short form: they are in order, and
// say nothing but who wrote when.
func (p *packer) inShort(messages []*ThreadMessage) bool {
	at := p.before
	for _, m := range messages {
		if m.AtMs < at || uint64(m.AtMs-at) > maxGap || m.By < 0 || m.By >= 1<<authorBits || len(m.unknownFields) > 0 {
			return false
		}
		at = m.AtMs
	}
	return true
}

func (p *packer) messages(messages []*ThreadMessage) []uint64 {
	if len(messages) == 0 {
		return nil
	}
	short, at := make([]uint64, 0, len(messages)), p.before
	for _, m := range messages {
		short = append(short, uint64(m.AtMs-at)<<authorBits|uint64(m.By))
		at = m.AtMs
	}
	return short
}
