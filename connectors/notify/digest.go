package notify

import (
	"cmp"
	"crypto/rand"
	"maps"
	"slices"
	"strconv"
	"time"

	"unpark/schemas"
)

// bundle is many alerts in one message.
type bundle struct {
	key       string
	told      int // how often
	reference Reference
	from, to  schemas.Instant
	late      bool
	groups    map[line]*Group
	orgs      map[string]bool
}

// line is what a digest has one line for.
type line struct{ queue, agent string }

// maxConversations of a group are listed.
const maxConversations = 10

func newBundle() *bundle {
	return &bundle{key: "digest-" + rand.Text(), groups: map[line]*Group{}, orgs: map[string]bool{}}
}

// clone is what the digest is to become, if it can be told.
func (d *bundle) clone() *bundle {
	c := *d
	c.orgs, c.groups = maps.Clone(d.orgs), make(map[line]*Group, len(d.groups))
	for k, g := range d.groups {
		copied := *g
		copied.Conversations = slices.Clone(g.Conversations)
		c.groups[k] = &copied
	}
	return &c
}

func (d *bundle) group(e *entry) *Group {
	k := line{e.Queue, e.Agent}
	if d.groups[k] == nil {
		d.groups[k] = &Group{Queue: e.Queue, Agent: e.Agent}
	}
	return d.groups[k]
}

// add takes in an alert.
func (d *bundle) add(e *entry) {
	g := d.group(e)
	g.Raised++
	if len(g.Conversations) < maxConversations && !slices.Contains(g.Conversations, e.Conversation) {
		g.Conversations = append(g.Conversations, e.Conversation)
	}
	if d.from == 0 || e.RaisedAt < d.from {
		d.from = e.RaisedAt
	}
	d.to = max(d.to, e.RaisedAt)
	d.orgs[e.Org] = true
}

// clear notes that an alert in it is over.
func (d *bundle) clear(e *entry) {
	g := d.group(e)
	g.Cleared++
	if i := slices.Index(g.Conversations, e.Conversation); i >= 0 {
		g.Conversations = slices.Delete(g.Conversations, i, i+1)
	}
}

// summary is what a message says of it.
func (d *bundle) summary() *Summary {
	s := &Summary{From: d.from.Time(), To: d.to.Time(), Late: d.late}
	for _, g := range d.groups {
		s.Raised += g.Raised
		s.Cleared += g.Cleared
		s.Groups = append(s.Groups, *g)
	}
	slices.SortFunc(s.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Raised-b.Cleared, a.Raised-a.Cleared), cmp.Compare(a.Queue, b.Queue), cmp.Compare(a.Agent, b.Agent))
	})
	return s
}

// lineOf says on which line of a digest an entry stands.
func lineOf(e *entry) (queue, agent string) {
	record, err := schemas.DecodeEscalation(e.Record)
	if err != nil {
		return "", ""
	}
	if q := record.Queue; q != nil {
		queue = either(q.Name, q.ID)
	}
	if a := record.Agent; a != nil {
		agent = either(a.Name, a.ID)
	}
	return queue, agent
}

// either returns the first that says something.
func either(texts ...*string) string {
	for _, t := range texts {
		if t != nil && *t != "" {
			return *t
		}
	}
	return ""
}

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
func (o *outbox) gathered(e *entry, kind Kind) bool {
	if !o.can.Kinds.Has(Digest) {
		return false
	}
	above, within := o.rules.grouping(e)
	switch kind {
	case Alert:
		late := above > 0 && o.clock.Now().Sub(e.RaisedAt.Time()) > within
		return o.storm.rages(above, within, time.Now()) || late && o.more()
	case Clear, Retract:
		return o.storm.find(e.Digest) != nil
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

// part is an entry in the digest that is being told.
type part struct {
	item
	entry *entry
	kind  Kind
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
	d.told++
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
// another one is the rest.
func (o *outbox) draft(books map[*book]bool, now time.Time) (d *bundle, parts []part, rest []item, again bool) {
	var current *bundle // that new alerts join
	for _, i := range o.storm.gathering {
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
		of := o.storm.find(e.Digest)
		joins := of == nil
		if joins {
			if current == nil {
				_, within := o.rules.grouping(e)
				current = o.storm.current(now, within)
			}
			of = current
		}
		if d == nil {
			d = of.clone()
			d.late = d.told == 0 && o.late(e)
		}
		if of.key != d.key {
			rest = append(rest, i)
			continue
		}
		switch {
		case joins:
			e.Queue, e.Agent = lineOf(e)
			d.add(e)
		case kind == Clear || kind == Retract:
			d.clear(e)
		}
		again = again || kind == Remind
		parts = append(parts, part{i, e, kind})
	}
	return d, parts, rest, again
}

func (o *outbox) late(e *entry) bool {
	_, within := o.rules.grouping(e)
	return o.clock.Now().Sub(e.RaisedAt.Time()) > within
}

func (o *outbox) digestMessage(d *bundle, again bool) Message {
	m := Message{Kind: Digest, AlertKey: d.key, MessageKey: d.key + "/" + strconv.Itoa(d.told), Digest: d.summary()}
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
	h := o.rules.habit(p.entry, now)
	p.book.change(p.id, func(e *entry) bool {
		e.Digest, e.Queue, e.Agent = d.key, p.entry.Queue, p.entry.Agent
		tell(e, p.kind, d.reference, o.address, h.repeat, now)
		return true
	}, then)
	if p.kind == Alert {
		o.storm.note(time.Now())
	}
	o.told(o.kind(), p.entry, now)
}

func (o *outbox) digestFailed(parts []part, rest []item, why *Error) {
	now := time.Now()
	o.refused(why, now)
	o.trouble(o.target.name, parts[0].entry, why)
	keep := rest
	for _, p := range parts {
		if why.Permanent || o.outOfTime(p.entry, now) {
			o.giveUpKind(p.item, p.entry, p.kind, why)
		} else {
			keep = append(keep, p.item)
		}
	}
	o.storm.gathering, o.storm.due = keep, now
	if len(keep) == 0 {
		o.storm.due = time.Time{}
	}
}
