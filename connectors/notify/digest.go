package notify

import (
	"time"
)

// gap is the least time between two messages about one storm.
func (o *outbox) gap(e *entry) time.Duration {
	if o.can.Update {
		return digestGap
	}
	_, within := o.rules.grouping(e)
	return within
}

// gathered says whether an entry is told in a digest: an alert while too many
// come, or two that could not be told in time; and whatever follows to those.
func (o *outbox) gathered(l *ledger, e *entry, kind Kind) bool {
	if !o.can.Kinds.Has(Digest) {
		return false
	}
	above, within := o.rules.grouping(e)
	switch kind {
	case Alert:
		late := above > 0 && o.clock.Now().Sub(e.RaisedAt.Time()) > within
		return o.storm.rages(above, within, time.Now()) || late && o.more()
	case Clear, Retract:
		return o.digest(e, l) != nil
	case Remind:
		return e.Digest != ""
	}
	return false
}

// more says whether something waits beside the head.
func (o *outbox) more() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.items) > 1 || len(o.storm.gathering) > 0
}

// part is an entry in the digest that is being told. After a long outage there may be
// a million of them: the entry itself is left where it lies.
type part struct {
	item
	kind Kind
	line *line // of an alert that joins; nil: it has one
}

// tellDigest tells what was gathered.
func (o *outbox) tellDigest() {
	now := time.Now()
	if rest := o.rest(now); rest > 0 {
		o.storm.due = now.Add(rest)
		return
	}
	books := map[*book]bool{}
	defer func() {
		for b, begun := range books {
			if begun {
				b.end()
			}
		}
	}()
	d, parts, rest, again := o.draft(books, now)
	if len(parts) == 0 {
		o.storm.gathering, o.storm.due = rest, time.Time{}
		if len(rest) > 0 {
			o.storm.due = now
		}
		return
	}
	ref, err := o.send(o.digestMessage(d, again))
	if err != nil {
		if o.stop.Err() == nil {
			o.digestFailed(parts, rest, asError(err))
		}
		return
	}
	o.succeeded()
	if ref != "" {
		d.reference = ref
	}
	o.storm.told(d, rest, now)
	o.written(func(then func(error)) {
		for i, p := range parts {
			if i < len(parts)-1 {
				o.recordPart(p, d, nil)
			} else {
				o.recordPart(p, d, then)
			}
		}
	})
}

// draft is the digest as it is to be told, with the entries in it; what belongs to
// another one is the rest. What no digest tells any more goes back to the queue.
func (o *outbox) draft(books map[*book]bool, now time.Time) (d *bundle, parts []part, rest []item, again bool) {
	var current *bundle // that new alerts join
	known := map[item]bool{}
	for _, i := range o.storm.gathering {
		if known[i] {
			continue // it was gathered for two reasons
		}
		known[i] = true
		begun, seen := books[i.book]
		if !seen {
			begun = i.book.begin()
			books[i.book] = begun
		}
		if !begun {
			continue
		}
		e := i.book.load(i.id)
		if e == nil {
			continue
		}
		kind, more := due(e, o.can.Kinds)
		if !more {
			i.book.change(i.id, func(e *entry) bool { return o.idle(e) }, nil)
			continue
		}
		of := o.digest(e, i.book.ledger)
		alone := of == nil && kind != Alert && kind != Remind // others have a part of the digest
		if alone || o.rules.told(e).address != o.target.address {
			o.push(i) // it has to be told by itself by now, or elsewhere
			continue
		}
		joins := of == nil
		if joins {
			if current == nil || !current.reach.has(i.book) {
				current = o.joined(i, e, now)
			}
			of = current
		}
		if d == nil {
			d = of.clone()
		}
		if of.key != d.key {
			rest = append(rest, i)
			continue
		}
		one := part{item: i, kind: kind}
		switch {
		case joins:
			if len(d.groups) == 0 {
				d.late = o.late(e)
			}
			e.Queue, e.Agent = lineOf(e)
			one.line = d.add(e)
			d.grown = now
		case kind == Clear || kind == Retract:
			d.clear(e)
		}
		again = again || kind == Remind
		parts = append(parts, one)
	}
	if again {
		d.reminders++
	}
	return d, parts, rest, again
}

// joined returns the digest that a new alert joins: the current one, if it can.
func (o *outbox) joined(i item, e *entry, now time.Time) *bundle {
	_, within := o.rules.grouping(e)
	if d := o.storm.current(now, within); d != nil && d.reach.has(i.book) && d.reach.ours() {
		return d
	}
	return newBundle(i.book.ledger.reach())
}

func (o *outbox) late(e *entry) bool {
	_, within := o.rules.grouping(e)
	return o.clock.Now().Sub(e.RaisedAt.Time()) > within
}

func (o *outbox) digestMessage(d *bundle, again bool) Message {
	m := Message{Kind: Digest, AlertKey: d.key, MessageKey: d.messageKey(), Digest: d.summary()}
	if o.can.Update && !again {
		m.Reference = d.reference
	}
	if len(d.orgs) == 1 {
		for org := range d.orgs {
			p := o.rules.manners(org)
			m.OrgName, m.Zone, m.Texts = p.orgName, p.zone, p.texts
		}
	}
	return m
}

// recordPart notes in the ledger that an entry was told in a digest.
func (o *outbox) recordPart(p part, d *bundle, then func(error)) {
	now := o.clock.Now()
	told := p.book.change(p.id, func(e *entry) bool {
		e.Digest, e.DigestPartitions, e.DigestLate = d.key, d.reach.String(), d.late
		if p.line != nil {
			e.Queue, e.Agent = p.line.queue, p.line.agent
		}
		tell(e, p.kind, d.reference, o.target.address, o.rules.habit(e, now).repeat, now)
		return true
	}, then)
	if p.kind == Alert {
		o.storm.note(time.Now())
	}
	if told != nil {
		o.told(o.kind(), told, p.kind, now)
	}
}

func (o *outbox) digestFailed(parts []part, rest []item, why *Error) {
	now := time.Now()
	o.refused(why, now)
	keep := rest
	for n, p := range parts {
		e := p.book.load(p.id)
		if e == nil {
			continue
		}
		if n == 0 {
			o.trouble(o.target.name, e, why)
		}
		if why.Permanent || o.outOfTime(e, now) {
			o.giveUpKind(p.item, e, p.kind, why)
		} else {
			keep = append(keep, p.item)
		}
	}
	o.storm.gathering, o.storm.due = keep, now
	if len(keep) == 0 {
		o.storm.due = time.Time{}
	}
}
