package genesys

import (
	"context"
	"time"

	"unpark/connectors/genesys/api"
)

// openConversation is a conversation that Genesys has not ended.
type openConversation struct {
	id, division string
	sessions     []session
}

const (
	day = 24 * time.Hour
	// maxPasses bounds how often a day is read again.
	maxPasses = 5
)

// sweep finds the conversations of e-mails and messages that began in the last
// days and are not over, by id. A query finds only what began on a day that its
// interval touches, so each day is asked for by itself; progress is told of each,
// with what was found so far.
func (c *Client) sweep(ctx context.Context, days int, progress func(day time.Time, found int)) (map[string]openConversation, error) {
	now := c.clock.Now().UTC()
	all := make(map[string]openConversation)
	for from := now.Truncate(day).AddDate(0, 0, -days); now.Sub(from) >= time.Second; from = from.Add(day) {
		until := from.Add(day)
		if until.After(now) {
			until = now
		}
		if err := c.sweepDay(ctx, from, until, all); err != nil {
			return nil, err
		}
		progress(from, len(all))
	}
	return all, nil
}

// sweepDay adds a day's conversations. What ends or comes back meanwhile moves the
// others from page to page, so a day of more than one page is read until nothing
// new is found.
func (c *Client) sweepDay(ctx context.Context, from, until time.Time, all map[string]openConversation) error {
	for range maxPasses {
		before := len(all)
		found, err := pages(func(page int) ([]openConversation, error) {
			part, err := c.open(ctx, from, until, page, pageSize)
			return readOpen(part), err
		})
		if err != nil {
			return err
		}
		for _, o := range found {
			all[o.id] = o
		}
		if len(found) < pageSize || len(all) == before {
			break
		}
	}
	return nil
}

// readOpen keeps of an answer what is needed of it.
func readOpen(part []api.AnalyticsConversation) []openConversation {
	found := make([]openConversation, len(part))
	for i := range part {
		found[i] = openConversation{id: part[i].ConversationId, division: division(&part[i]), sessions: sessionsOf(&part[i])}
	}
	return found
}

// division is the conversation's; of several the first, since none says which is
// that of the queue.
func division(c *api.AnalyticsConversation) string {
	if len(c.DivisionIds) == 0 {
		return ""
	}
	return c.DivisionIds[0]
}
