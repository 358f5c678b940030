package genesys

import (
	"context"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"unpark/schemas"
)

const (
	// An org is compared with Genesys within the first hour, when an outage may just
	// be over, then every day.
	firstRoundWithin = time.Hour
	roundEvery       = 24 * time.Hour
	roundRetry       = time.Hour
)

// rounds says when which org is to be compared with Genesys.
type rounds struct {
	mu    sync.Mutex
	asked time.Time
	next  map[string]time.Time
	busy  map[string]bool // being compared
}

func newRounds() *rounds {
	return &rounds{next: make(map[string]time.Time), busy: make(map[string]bool)}
}

// turn says, once a minute, that the orgs are to be looked through.
func (r *rounds) turn(now time.Time) bool {
	if now.Sub(r.asked) < time.Minute {
		return false
	}
	r.asked = now
	return true
}

// due returns those of the orgs whose time has come, spread over the first hour, and
// what it forgets: all others. An org that is still being compared is not due.
func (r *rounds) due(orgs []string, now time.Time) (due, gone []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for org := range r.next {
		if !slices.Contains(orgs, org) && !r.busy[org] {
			delete(r.next, org)
			gone = append(gone, org)
		}
	}
	for _, org := range orgs {
		next, known := r.next[org]
		switch {
		case !known:
			r.next[org] = now.Add(roundSpread(org))
		case !next.After(now) && !r.busy[org]:
			due = append(due, org)
			r.next[org], r.busy[org] = now.Add(roundEvery), true
		}
	}
	return due, gone
}

// done says that an org is compared no more.
func (r *rounds) done(org string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, org)
}

// retry has an org's next round earlier.
func (r *rounds) retry(org string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ours := r.next[org]; ours {
		r.next[org] = at
	}
}

func roundSpread(org string) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(org))
	return time.Duration((h.Sum64() ^ h.Sum64()>>32) % uint64(firstRoundWithin))
}

// reconcileDue starts the comparisons whose time has come.
func (o *office) reconcileDue(now time.Time) {
	if o.deps.Owns == nil || o.deps.States == nil || !o.daily.turn(now) {
		return
	}
	var ours []string
	for _, org := range o.deps.Configs.Orgs() {
		if o.deps.Owns(org) {
			ours = append(ours, org)
		}
	}
	due, gone := o.daily.due(ours, now)
	for _, org := range due {
		o.work.Go(func() {
			defer o.daily.done(org)
			o.reconcile(org)
		})
	}
	for _, org := range gone {
		o.metrics.reconciledAt.DeleteLabelValues(org)
	}
}

// reconcile compares an org with Genesys and tells the processor what it lacks.
func (o *office) reconcile(org string) {
	d := o.desk(org)
	_, client := d.configured()
	rules, _, ok := o.deps.Configs.NewestRules(org)
	if client == nil || !ok {
		return
	}
	b := Backfill{
		Org: org, Client: client, Rules: rules, Days: DefaultDays, Daily: true, Produce: o.deps.Produce,
		States: func(ctx context.Context) (map[string][]byte, error) { return o.deps.States(ctx, org) },
		Said: func(c Change) {
			if c.NotSeen != "" {
				d.log.Warn("the daily comparison could not look at a conversation", schemas.LogConversation, c.Conversation, schemas.LogReason, c.NotSeen)
			}
			if c.Change != ChangeUnseen {
				o.metrics.reconciled.WithLabelValues(org, c.Change).Inc()
			}
		},
	}
	if o.deps.Keep != nil {
		b.Keep, _ = o.deps.Keep(org)
	}
	sum, err := b.Run(o.ctx)
	if o.ctx.Err() != nil {
		return
	}
	now := o.deps.Clock.Now()
	d.log.Info("compared with Genesys", "open", sum.Open, "opened", sum.Opened, "completed", sum.Completed, "ended", sum.Ended,
		"lost", sum.Lost, "unseen", sum.Unseen)
	if err != nil {
		d.log.Warn("the daily comparison with Genesys failed; it is tried again in an hour", schemas.LogError, err)
		o.daily.retry(org, now.Add(roundRetry))
		return
	}
	o.metrics.reconciledAt.WithLabelValues(org).Set(float64(now.Unix()))
}
