package notify

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"time"

	"unpark/schemas"
)

// bundle is many alerts in one message. The ledger's entries say what is in it, so
// that whoever has all of them can go on with it.
type bundle struct {
	key       string
	reach     reach // all of them lie there
	reference Reference
	from, to  schemas.Instant
	late      bool
	reminders int
	groups    map[line]*group
	orgs      map[string]bool
	grown     time.Time // when the last alert was told in it; zero: by another process
}

// line is what a digest has one line for.
type line struct{ queue, agent string }

type group struct {
	line line
	Group
}

// maxConversations of a group are listed.
const maxConversations = 10

func newBundle(r reach) *bundle {
	return &bundle{key: "digest-" + rand.Text(), reach: r, groups: map[line]*group{}, orgs: map[string]bool{}}
}

// messageKey is the same for every attempt to say the same.
func (d *bundle) messageKey() string {
	s := d.summary()
	return fmt.Sprintf("%s/%d-%d-%d", d.key, s.Raised, s.Cleared, d.reminders)
}

// clone is what the digest is to become, if it can be told.
func (d *bundle) clone() *bundle {
	c := *d
	c.orgs, c.groups = maps.Clone(d.orgs), make(map[line]*group, len(d.groups))
	for k, g := range d.groups {
		copied := *g
		copied.Conversations = slices.Clone(g.Conversations)
		c.groups[k] = &copied
	}
	return &c
}

func (d *bundle) group(e *entry) *group {
	k := line{e.Queue, e.Agent}
	if d.groups[k] == nil {
		d.groups[k] = &group{line: k, Group: Group{Queue: e.Queue, Agent: e.Agent}}
	}
	return d.groups[k]
}

// add takes in an alert and returns its line.
func (d *bundle) add(e *entry) *line {
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
	return &g.line
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
		s.Groups = append(s.Groups, g.Group)
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
