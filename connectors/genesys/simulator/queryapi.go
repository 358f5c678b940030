package simulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// detailsQuery is the body of a details query.
type detailsQuery struct {
	Interval, Order, OrderBy string
	Paging                   struct{ PageSize, PageNumber int }
	ConversationFilters      []queryFilter
	SegmentFilters           []queryFilter
}

type queryFilter struct {
	Type       string
	Clauses    []queryFilter
	Predicates []predicate
}

type predicate struct{ Type, Dimension, Operator, Value string }

// queryDetails finds conversations that started on a day which the interval
// touches, whether or not they were alive within it otherwise.
func (o *Org) queryDetails(r *http.Request) (any, error) {
	var q detailsQuery
	if err := decode(r, &q); err != nil {
		return nil, err
	}
	from, until, err := o.readQuery(&q)
	if err != nil {
		return nil, err
	}
	var hits []*conversation
	for _, c := range o.order {
		if !c.started.IsZero() && !c.started.Before(from) && c.started.Before(until) && c.hits(q) {
			hits = append(hits, c)
		}
	}
	sortBy(hits, q, o.now)
	answer := object{"totalHits": len(hits)}
	first := min((q.Paging.PageNumber-1)*q.Paging.PageSize, len(hits))
	if endless(r) {
		first = 0
	}
	page := []object{}
	for _, c := range hits[first:min(first+q.Paging.PageSize, len(hits))] {
		page = append(page, c.details())
	}
	if len(page) > 0 {
		answer["conversations"] = page // an empty one has no such field
	}
	return answer, nil
}

const day = 24 * time.Hour

// readQuery checks a query and returns the days that its interval touches.
func (o *Org) readQuery(q *detailsQuery) (from, until time.Time, err error) {
	begin, end, _ := strings.Cut(q.Interval, "/")
	from, err = time.Parse(time.RFC3339, begin)
	if err == nil {
		until, err = time.Parse(time.RFC3339, end)
	}
	fill(&q.Paging.PageSize, 25)
	fill(&q.Paging.PageNumber, 1)
	limits := o.config.Limits
	switch {
	case err != nil || !from.Before(until):
		err = errBad("interval %q must be two instants of ISO 8601, the earlier first", q.Interval)
	case until.Sub(from) > limits.QueryInterval:
		err = errBad("the interval is longer than %v", limits.QueryInterval)
	case q.Paging.PageSize < 1 || q.Paging.PageSize > limits.QueryPageSize || q.Paging.PageNumber < 1:
		err = errBad("pageSize must be between 1 and %d", limits.QueryPageSize)
	case !slices.Contains([]string{"", "conversationStart", "conversationEnd"}, q.OrderBy):
		err = errBad("orderBy %q is not simulated", q.OrderBy)
	}
	if err == nil {
		err = checkFilters(slices.Concat(q.ConversationFilters, q.SegmentFilters))
	}
	return from.Truncate(day), until.Add(day - 1).Truncate(day), err
}

func checkFilters(all []queryFilter) error {
	for _, f := range all {
		if err := checkFilters(f.Clauses); err != nil {
			return err
		}
		for _, p := range f.Predicates {
			if !slices.Contains(dimensions, p.Dimension) || !slices.Contains([]string{"", "matches", "exists", "notExists"}, p.Operator) {
				return errBad("dimension %q, operator %q", p.Dimension, p.Operator)
			}
		}
	}
	return nil
}

func sortBy(hits []*conversation, q detailsQuery, now time.Time) {
	slices.SortStableFunc(hits, func(a, b *conversation) int {
		if q.Order == "desc" {
			a, b = b, a
		}
		if q.OrderBy == "conversationEnd" {
			return a.ended(true, now).Compare(b.ended(true, now))
		}
		return a.started.Compare(b.started)
	})
}

// hits tells whether a conversation has all that is asked for, and a segment that
// has.
func (c *conversation) hits(q detailsQuery) bool {
	if !passes(q.ConversationFilters, func(dimension string) []string { return c.dimension(dimension) }) {
		return false
	}
	if len(q.SegmentFilters) == 0 {
		return true
	}
	for l := range c.legs() {
		for i := range l.segments {
			if passes(q.SegmentFilters, func(dimension string) []string { return c.segmentDimension(dimension, l, i) }) {
				return true
			}
		}
	}
	return false
}

func passes(filters []queryFilter, value func(string) []string) bool {
	return !slices.ContainsFunc(filters, func(f queryFilter) bool { return !f.passes(value) })
}

func (f queryFilter) passes(value func(string) []string) bool {
	decides := f.Type == "or" // what one member must be to decide for all
	for _, c := range f.Clauses {
		if c.passes(value) == decides {
			return decides
		}
	}
	for _, p := range f.Predicates {
		if p.passes(value(p.Dimension)) == decides {
			return decides
		}
	}
	return !decides
}

func (p predicate) passes(values []string) bool {
	switch p.Operator {
	case "exists":
		return len(values) > 0
	case "notExists":
		return len(values) == 0
	}
	return slices.Contains(values, p.Value)
}

// dimensions are what can be asked for.
var dimensions = []string{
	"conversationEnd", "conversationId", "conversationStart", "divisionId", "originatingDirection", "mediaType", "messageType",
	"queueId", "userId", "purpose", "segmentType", "segmentStart", "segmentEnd", "direction", "disconnectType", "wrapUpCode",
}

func (c *conversation) dimension(name string) []string {
	switch name {
	case "conversationId":
		return []string{c.id}
	case "conversationStart":
		return instants(c.started)
	case "conversationEnd":
		return instants(c.ended(true, c.org.now))
	case "divisionId":
		return []string{c.org.people.division.ID}
	case "originatingDirection":
		return []string{c.originating()}
	}
	return nil
}

func (c *conversation) segmentDimension(name string, l *leg, i int) []string {
	s := l.segments[i]
	switch name {
	case "mediaType":
		return []string{c.media}
	case "messageType":
		return texts(c.messageType)
	case "queueId":
		return texts(l.queue)
	case "userId":
		return texts(l.participant.user)
	case "purpose":
		return []string{l.participant.purpose}
	case "segmentType":
		return []string{s.kind}
	case "segmentStart":
		return instants(s.from)
	case "segmentEnd":
		return instants(s.until)
	case "direction":
		return []string{lowerDirection(l.outbound)}
	case "disconnectType":
		return texts(camel(l.disconnect))
	}
	return c.dimension(name)
}

func texts(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func instants(t time.Time) []string {
	if t.IsZero() {
		return nil
	}
	return []string{iso(t)}
}
