package genesys

import (
	"context"
	"strings"
	"sync"
	"time"

	"unpark/clock"
	"unpark/connectors/genesys/api"
)

const (
	// namesLast is how long a name is good.
	namesLast = time.Hour
	// maxNames bounds what is remembered.
	maxNames = 10_000
)

// person is what is known of a user.
type person struct{ name, email string }

// names remembers users and queues. It is safe for concurrent use.
type names struct {
	clock clock.Clock
	mu    sync.Mutex
	known map[string]named
}

type named struct {
	person
	until time.Time
}

func newNames(c clock.Clock) *names { return &names{clock: c, known: make(map[string]named)} }

// get returns what is known of key, asked for with ask if it is not. A refusal
// is remembered too, or a missing permission would cost a call each time. An error
// means that there is more to know, and that asking again may tell it.
func (n *names) get(key string, ask func() (person, error)) (person, error) {
	now := n.clock.Now()
	n.mu.Lock()
	known, ok := n.known[key]
	n.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.person, nil
	}
	p, err := ask()
	if err != nil {
		if unlessRefused(err) != nil {
			return known.person, err
		}
		p = person{}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.known) >= maxNames {
		clear(n.known)
	}
	n.known[key] = named{p, now.Add(namesLast)}
	return p, nil
}

// user returns a user's name and address, as far as they are known.
func (c *Client) user(ctx context.Context, id string) (person, error) {
	if id == "" {
		return person{}, nil
	}
	return c.names.get("user/"+id, func() (person, error) {
		u, err := decode[api.User](c.api.GetUser(ctx, id))
		if err != nil {
			return person{}, err
		}
		return person{u.Name, strings.ToLower(u.Email)}, nil
	})
}

// userName returns a user's name. Somebody whose name cannot be had is shown by his
// id.
func (c *Client) userName(ctx context.Context, id string) string {
	u, _ := c.user(ctx, id)
	return u.name
}

// queueName returns a queue's name; one that cannot be had is shown by its id.
func (c *Client) queueName(ctx context.Context, id string) string {
	if id == "" {
		return ""
	}
	queue, _ := c.names.get("queue/"+id, func() (person, error) {
		q, err := decode[api.Queue](c.api.GetRoutingQueue(ctx, id))
		if err != nil {
			return person{}, err
		}
		return person{name: q.Name}, nil
	})
	return queue.name
}
