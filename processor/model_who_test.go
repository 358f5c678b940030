package processor_test

import (
	"cmp"
	"slices"

	"unpark/schemas"
)

// queueRef names the queue; its name is known if the newest observation saw it
// there.
func (e *modelEpisode) queueRef() *schemas.QueueRef {
	queue := e.queue()
	if queue == "" {
		return nil
	}
	ref := &schemas.QueueRef{ID: &queue}
	if o := e.newest(); o != nil && o.QueueId == queue {
		ref.Name = text(o.QueueName)
	}
	return ref
}

// agentRef: "the newest observation's, unless a `user` session with a queue
// started or ended after its observedAt or it names nobody; then the user of the
// newest open `user` session that has a queue; else nobody" (5).
func (e *modelEpisode) agentRef() *schemas.AgentRef {
	agents := slices.DeleteFunc(e.sessions(), func(s *modelSession) bool { return s.leg != "user" || s.queue == "" })
	if o := e.newest(); o != nil && o.Agent != nil && o.Agent.Id+o.Agent.Name != "" {
		moved := slices.ContainsFunc(agents, func(s *modelSession) bool {
			return s.start != nil && *s.start > o.ObservedAtMs || s.end != nil && *s.end > o.ObservedAtMs
		})
		if !moved {
			ref := &schemas.AgentRef{ID: text(o.Agent.Id), Name: text(o.Agent.Name), State: text(o.Agent.State)}
			if o.Agent.SinceMs != nil {
				since := schemas.Instant(*o.Agent.SinceMs)
				ref.Since = &since
			}
			return ref
		}
	}
	open := slices.DeleteFunc(agents, func(s *modelSession) bool { return !s.isOpen() })
	if len(open) == 0 {
		return nil
	}
	newest := slices.MaxFunc(open, func(a, b *modelSession) int {
		return cmp.Or(cmp.Compare(*a.start, *b.start), cmp.Compare(a.id, b.id))
	})
	if newest.user == "" {
		return nil
	}
	since := schemas.Instant(*newest.start)
	return &schemas.AgentRef{ID: &newest.user, Since: &since}
}

// text is nil for "nothing to say".
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
