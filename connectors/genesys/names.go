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

// names remembers users and queues. Somebody whose name cannot be had is shown
// by his id. It is safe for concurrent use.
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
// is remembered too, or a missing permission would cost a call each time.
func (n *names) get(key string, ask func() (person, error)) person {
	now := n.clock.Now()
	n.mu.Lock()
	known, ok := n.known[key]
	n.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.person
	}
	p, err := ask()
	if err != nil {
		if asError(err).temporary() {
			return known.person
		}
		p = person{}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.known) >= maxNames {
		clear(n.known)
	}
	n.known[key] = named{p, now.Add(namesLast)}
	return p
}

// user returns a user's name and address.
func (c *Client) user(ctx context.Context, id string) person {
	if id == "" {
		return person{}
	}
	return c.names.get("user/"+id, func() (person, error) {
		u, err := decode[api.User](c.api.GetUser(ctx, id))
		if err != nil {
			return person{}, err
		}
		return person{u.Name, strings.ToLower(u.Email)}, nil
	})
}

// queueName returns a queue's name.
func (c *Client) queueName(ctx context.Context, id string) string {
	if id == "" {
		return ""
	}
	return c.names.get("queue/"+id, func() (person, error) {
		q, err := decode[api.Queue](c.api.GetRoutingQueue(ctx, id))
		if err != nil {
			return person{}, err
		}
		return person{name: q.Name}, nil
	}).name
}
