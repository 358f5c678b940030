package simulator

import "time"

// Happening is something that somebody does in a conversation.
type Happening struct {
	At           time.Time
	Conversation string
	Story        string
	Media        string
	What         What
	User         string // name of the agent who does it; empty: not an agent
	Queue        string // name of the queue it is about; empty: none
}

// What somebody does.
type What string

// What people do, and what goes wrong.
const (
	Arrives   What = "arrives"   // a customer, for a queue, also one who comes back
	Takes     What = "takes"     // an agent accepts it
	Answers   What = "answers"   // an agent writes
	Writes    What = "writes"    // the customer writes again
	Parks     What = "parks"     // the agent puts it aside
	Transfers What = "transfers" // the agent, or an action, gives it to a queue
	Leaves    What = "leaves"    // the customer goes, and it is over
	Delayed   What = "delayed"   // its events are late from now on
)

// happened tells whoever wants to know.
func (c *conversation) happened(what What, user, queue string) {
	tell := c.org.config.Happened
	if tell == nil {
		return
	}
	h := Happening{At: c.org.now, Conversation: c.id, Story: c.name, Media: c.media, What: what}
	if u := c.org.people.user(user); u != nil {
		h.User = u.Name
	}
	if q := c.org.people.queue(queue); q != nil {
		h.Queue = q.Name
	}
	tell(h)
}
