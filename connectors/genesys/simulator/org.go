package simulator

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Org is an organisation. It is safe for concurrent use.
type Org struct {
	config Config
	door   door
	mux    *http.ServeMux

	mu            sync.Mutex
	now           time.Time
	plan          agenda[func()]
	outbox        agenda[[]byte]
	people        people
	conversations map[string]*conversation
	order         []*conversation
}

// New founds an organisation in which nothing has happened yet.
func New(c Config) (*Org, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	o := &Org{config: c, door: newDoor(c), conversations: make(map[string]*conversation)}
	o.people = newPeople(c, o.chance("people"))
	o.mux = o.newMux()
	return o, nil
}

// ID is the organisation's.
func (o *Org) ID() string { return o.config.ID }

// Client is what its OAuth client identifies itself with.
func (o *Org) Client() (id, secret string) { return o.config.ClientID, o.config.ClientSecret }

// Advance performs everything up to t; an earlier t changes nothing.
func (o *Org) Advance(t time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.advance(t)
}

func (o *Org) advance(t time.Time) {
	for {
		e, ok := o.plan.next(t)
		if !ok {
			break
		}
		if e.at.After(o.now) {
			o.now = e.at
		}
		e.what()
	}
	if t.After(o.now) {
		o.now = t
	}
}

// Delivered is an envelope that EventBridge hands over.
type Delivered struct {
	At       time.Time
	Envelope []byte
}

// Deliver performs everything up to t and returns what EventBridge has handed
// over by then and was not returned before, in that order.
func (o *Org) Deliver(t time.Time) []Delivered {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.advance(t)
	var all []Delivered
	for {
		e, ok := o.outbox.next(t)
		if !ok {
			return all
		}
		all = append(all, Delivered{e.at, e.what})
	}
}

// Next is when something happens or is delivered next; false if never again.
func (o *Org) Next() (time.Time, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	happens, one := o.plan.first()
	delivered, other := o.outbox.first()
	if !one || other && delivered.Before(happens) {
		return delivered, other
	}
	return happens, one
}

// chance is a source of its own for everything that has a name.
func (o *Org) chance(name string) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%s", o.config.ID, name)
	return rand.New(rand.NewPCG(o.config.Seed, h.Sum64()))
}

// uuid draws an id.
func uuid(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

// between draws a duration in [least, most), in whole milliseconds.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(r.Int64N(int64(most-least))).Truncate(time.Millisecond)
}

// pick draws one of all.
func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }
