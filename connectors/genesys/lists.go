package genesys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"unpark/connectors/genesys/api"
)

const (
	pageSize = 100
	// maxPages bounds a listing: no org has so many queues or schedules.
	maxPages = 200
)

// pages reads a listing to its end: a page that is not full.
func pages[T any](get func(page int) ([]T, error)) ([]T, error) {
	var all []T
	for page := 1; page <= maxPages; page++ {
		part, err := get(page)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
		if len(part) < pageSize {
			return all, nil
		}
	}
	return nil, &Error{Reason: ReasonBadAnswer, Err: errors.New("a listing does not end")}
}

// QueuesNamed returns the queues of a name, whatever its case.
func (c *Client) QueuesNamed(ctx context.Context, name string) ([]api.Queue, error) {
	all, err := pages(func(page int) ([]api.Queue, error) {
		l, err := decode[api.QueueListing](c.api.GetRoutingQueues(ctx, &api.GetRoutingQueuesParams{PageSize: pageSize, PageNumber: page, Name: name}))
		if err != nil {
			return nil, err
		}
		return l.Entities, nil
	})
	return slices.DeleteFunc(all, func(q api.Queue) bool { return !strings.EqualFold(q.Name, name) }), err
}

// ScheduleGroup returns a schedule group, with references to its schedules.
func (c *Client) ScheduleGroup(ctx context.Context, id string) (*api.ScheduleGroup, error) {
	return decode[api.ScheduleGroup](c.api.GetArchitectSchedulegroup(ctx, id))
}

// Schedule returns a schedule.
func (c *Client) Schedule(ctx context.Context, id string) (*api.Schedule, error) {
	return decode[api.Schedule](c.api.GetArchitectSchedule(ctx, id))
}

// open asks for a page of the conversations that began in an interval, are not
// over and have e-mails or messages.
func (c *Client) open(ctx context.Context, from, to time.Time, page, size int) ([]api.AnalyticsConversation, error) {
	where := func(dimension, operator, value string) api.QueryPredicate {
		return api.QueryPredicate{Type: "dimension", Dimension: dimension, Operator: operator, Value: value}
	}
	l, err := decode[api.AnalyticsConversationQueryResponse](c.api.PostAnalyticsConversationsDetailsQuery(ctx, api.ConversationQuery{
		Interval: fmt.Sprintf("%s/%s", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339)),
		Order:    "asc", OrderBy: "conversationStart",
		Paging:              api.PagingSpec{PageSize: size, PageNumber: page},
		ConversationFilters: []api.QueryFilter{{Type: "and", Predicates: []api.QueryPredicate{where("conversationEnd", "notExists", "")}}},
		SegmentFilters:      []api.QueryFilter{{Type: "or", Predicates: []api.QueryPredicate{where("mediaType", "", "email"), where("mediaType", "", "message")}}},
	}))
	if err != nil {
		return nil, err
	}
	return l.Conversations, nil
}
