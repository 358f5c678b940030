package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"unpark/processor/stream"
	"unpark/schemas"
)

// side is what one folder (or the log) leads to.
type side struct {
	name        string
	zones       map[string]*time.Location // by org
	out         io.Writer                 // nil: nobody reads them
	escalations map[string]int            // by status and kind
	deadLetters map[string]int            // by reason
	raised      map[raisedKey]int
	keep        bool // alerts are wanted
	alerts      []alert
	words       map[string]string
}

// raisedKey is what raised escalations are counted by.
type raisedKey struct{ org, policy, kind string }

// alert is a raised escalation, as far as a comparison or a report needs it.
type alert struct {
	Org, Conversation, Objective, Kind, Policy, Queue string
	Start, Due, At                                    int64
}

func newSide(name string, zones map[string]*time.Location, keep bool) *side {
	return &side{
		name: name, zones: zones, keep: keep,
		escalations: map[string]int{}, deadLetters: map[string]int{}, raised: map[raisedKey]int{}, words: map[string]string{},
	}
}

// take tells an escalation; a dead letter is counted.
func (s *side) take(o stream.Output) error {
	if o.Topic.Suffix == schemas.Escalations.Suffix {
		return s.tell(o.Value)
	}
	for _, h := range o.Headers {
		if h.Key == schemas.HeaderReason {
			s.deadLetters[string(h.Value)]++
		}
	}
	return nil
}

func (s *side) tell(value []byte) error {
	l, err := schemas.ReadEscalationLabels(value)
	if err != nil {
		return err
	}
	s.escalations[l.Status+" "+l.Kind]++
	if l.Status == schemas.StatusRaised {
		s.raised[raisedKey{l.Org, l.Policy, l.Kind}]++
		if err := s.remember(value); err != nil {
			return err
		}
	}
	if s.out == nil {
		return nil
	}
	_, err = fmt.Fprintf(s.out, "%s\n", value)
	return err
}

// remember keeps the alert, if alerts are wanted.
func (s *side) remember(value []byte) error {
	if !s.keep {
		return nil
	}
	e, err := schemas.DecodeEscalation(value)
	if err != nil {
		return err
	}
	s.alerts = append(s.alerts, alert{
		Org: s.word(e.Org), Conversation: strings.Clone(e.Conversation), Objective: s.word(e.Objective), Kind: s.word(e.Kind),
		Policy: s.word(e.Policy), Queue: s.word(queueName(e.Queue)),
		Start: int64(e.Start), Due: int64(e.Due), At: int64(e.At),
	})
	return nil
}

// word returns the one copy of a string that many alerts have.
func (s *side) word(w string) string {
	if one, ok := s.words[w]; ok {
		return one
	}
	w = strings.Clone(w) // it lies in a record
	s.words[w] = w
	return w
}

// queueName is a queue's name, else its id, else empty.
func queueName(q *schemas.QueueRef) string {
	switch {
	case q == nil:
		return ""
	case q.Name != nil && *q.Name != "":
		return *q.Name
	case q.ID != nil:
		return *q.ID
	}
	return ""
}

// local returns an instant in the time zone of an org.
func (s *side) local(org string, ms int64) time.Time {
	zone, ok := s.zones[org]
	if !ok {
		zone = time.UTC
	}
	return time.UnixMilli(ms).In(zone)
}

// raisedCount is how often escalations of a kind were raised under a policy.
type raisedCount struct {
	Org    string `json:"org"`
	Policy string `json:"policy"`
	Kind   string `json:"kind"`
	Count  int    `json:"count"`
}

// raisedCounts returns what was raised by org, policy and kind, in that order.
func (s *side) raisedCounts() []raisedCount {
	counts := make([]raisedCount, 0, len(s.raised))
	keys := slices.SortedFunc(maps.Keys(s.raised), func(a, b raisedKey) int {
		return cmp.Or(cmp.Compare(a.org, b.org), cmp.Compare(a.policy, b.policy), cmp.Compare(a.kind, b.kind))
	})
	for _, k := range keys {
		counts = append(counts, raisedCount{k.org, k.policy, k.kind, s.raised[k]})
	}
	return counts
}
