package schemas

// unpack is the reverse of pack: the short forms are empty afterwards.
func unpack(st *ConversationState, table *tableReader) {
	u := unpacker{table}
	if st.Episode != nil {
		u.episode(st.Episode)
	}
	if st.Unsure.GetEpisode() != nil {
		u.episode(st.Unsure.Episode)
	}
	st.Table = nil
}

// unpacker moves values out of the short forms of a state.
type unpacker struct{ *tableReader }

func (u *unpacker) episode(ep *Episode) {
	for _, s := range ep.Sessions {
		s.Id, s.QueueId, s.UserId = u.text(uint64(s.IdRef), s.Id), u.text(uint64(s.QueueRef), s.QueueId), u.text(uint64(s.UserRef), s.UserId)
		s.StartedAtMs, s.EndedAtMs = u.optional(s.StartedAt, s.StartedAtMs), u.optional(s.EndedAt, s.EndedAtMs)
		s.IdRef, s.QueueRef, s.UserRef, s.StartedAt, s.EndedAt = 0, 0, 0, 0, 0
	}
	for _, f := range ep.facts() {
		u.fact(f)
	}
	if len(ep.AttributeList) > 0 {
		ep.Attributes = make(map[string]*Fact, len(ep.AttributeList))
	}
	for _, a := range ep.AttributeList {
		if a.Fact != nil {
			u.fact(a.Fact)
			ep.Attributes[u.text(uint64(a.KeyRef), "")] = a.Fact
		}
	}
	if ep.Observation != nil && ep.Observed != nil {
		u.observation(ep.Observation, ep.Observed)
	}
	ep.AttributeList, ep.Observed = nil, nil
	for _, r := range ep.Raised {
		r.StartMs, r.DueMs = u.time(r.Start, r.StartMs), u.time(r.Due, r.DueMs)
		r.Objective, r.Kind = u.text(uint64(r.ObjectiveRef), r.Objective), u.text(uint64(r.KindRef), r.Kind)
		r.Policy, r.PolicyVersion = u.text(uint64(r.PolicyRef), r.Policy), u.text(uint64(r.PolicyVersionRef), r.PolicyVersion)
		r.SchedulesVersion = u.text(uint64(r.SchedulesVersionRef), r.SchedulesVersion)
		r.Start, r.Due, r.ObjectiveRef, r.KindRef, r.PolicyRef, r.PolicyVersionRef, r.SchedulesVersionRef = 0, 0, 0, 0, 0, 0, 0
	}
}

func (u *unpacker) fact(f *Fact) {
	if f == nil {
		return
	}
	f.Value, f.SessionId, f.AtMs = u.text(uint64(f.ValueRef), f.Value), u.text(uint64(f.SessionRef), f.SessionId), u.time(f.At, f.AtMs)
	f.ValueRef, f.SessionRef, f.At = 0, 0, 0
}

func (u *unpacker) observation(o *ThreadObserved, short *Observed) {
	o.ObservedAtMs = u.time(short.ObservedAt, o.ObservedAtMs)
	o.StartedAtMs, o.EndedAtMs = u.optional(short.StartedAt, o.StartedAtMs), u.optional(short.EndedAt, o.EndedAtMs)
	o.QueueId, o.QueueName = u.text(uint64(short.QueueRef), o.QueueId), u.text(uint64(short.QueueNameRef), o.QueueName)
	if a := o.Agent; a != nil {
		a.Id, a.Name = u.text(uint64(short.AgentRef), a.Id), u.text(uint64(short.AgentNameRef), a.Name)
		a.ParticipantId, a.State = u.text(uint64(short.ParticipantRef), a.ParticipantId), u.text(uint64(short.AgentStateRef), a.State)
		a.SinceMs = u.optional(short.AgentSince, a.SinceMs)
	}
	if n := len(short.Messages); n > 0 {
		list, at := make([]ThreadMessage, n), u.before
		o.Messages = make([]*ThreadMessage, n)
		for i, m := range short.Messages {
			at += int64(m >> authorBits)
			list[i].AtMs, list[i].By = at, Author(m&(1<<authorBits-1))
			o.Messages[i] = &list[i]
		}
	}
}
