package sla

// span returns the stretches in which the objective's clock may run, and its
// start; what lies outside opening hours does not count all the same
// (SLA.md section 4).
func (o *objective) span(t thread) (start int64, runs []stretch) {
	switch o.name {
	case Reply:
		since, waiting := t.wait()
		if !waiting {
			return 0, nil
		}
		return since, []stretch{{since, never}}
	case FirstReply:
		if !t.inbound {
			return t.startedAt, nil
		}
		return t.startedAt, []stretch{{t.startedAt, never}}
	case Resolution:
		return t.startedAt, t.waits()
	default: // Open
		return t.startedAt, []stretch{{t.startedAt, never}}
	}
}

// due returns the start of the objective's stretch and the earliest instant at
// which its counted time reaches at; ok is false if by the facts there is none.
func (o *objective) due(t thread, at int64) (start, due int64, ok bool) {
	switch o.name {
	case Resolution:
		return o.dueWithin(t, at)
	case Reply:
		if start, ok = t.wait(); !ok {
			return 0, 0, false
		}
	case FirstReply:
		// Nobody waits for one that was given, as with a reply.
		if _, answered := t.firstAnswer(); answered || !t.inbound {
			return t.startedAt, 0, false
		}
		start = t.startedAt
	default: // Open
		start = t.startedAt
	}
	if due, ok = o.hours.Add(start, at); !ok || due > never {
		return start, 0, false
	}
	return start, due, true
}

// dueWithin is due of an objective whose clock stands still between its runs.
func (o *objective) dueWithin(t thread, at int64) (start, due int64, ok bool) {
	start, runs := o.span(t)
	left := at
	for _, r := range runs {
		from := max(r.from, start)
		if from >= r.to {
			continue
		}
		due, ok := o.hours.Add(from, left)
		if !ok {
			return start, 0, false
		}
		if due <= r.to {
			return start, due, true
		}
		left -= o.hours.Elapsed(from, r.to)
	}
	return start, 0, false
}
