package genesys

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"unpark/schemas"
)

// desk works on the requests of one org, at the org's pace: a few at a time, the
// most urgent first. Nothing it waits for concerns another org.
type desk struct {
	office *office
	org    string
	log    *slog.Logger
	queue  *queue
	taken  *hourly // actions

	mu      sync.Mutex
	version string // of the rules that settings and client are of
	set     settings
	conn    Connection
	client  *Client // nil: no connection is configured
	trouble *Error  // what the last call of the org ended with, if it is the org's
	said    time.Time
}

// configured returns what the org's newest rules say, with a client for the
// connection; the client stays while the connection does.
func (d *desk) configured() (settings, *Client) {
	rules, version, ok := d.office.deps.Configs.NewestRules(d.org)
	d.mu.Lock()
	defer d.mu.Unlock()
	if ok && version == d.version {
		return d.set, d.client
	}
	d.version, d.set = version, parseSettings(rules)
	conn, ok := d.set.connection()
	switch {
	case !ok:
		d.client = nil
	case d.client == nil || conn != d.conn:
		d.conn, d.trouble = conn, nil
		d.client = d.office.connect(d.org, conn)
	}
	return d.set, d.client
}

// run takes tasks until ctx ends.
func (d *desk) run(ctx context.Context) {
	places := make(chan struct{}, slots)
	var busy sync.WaitGroup
	defer busy.Wait()
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		t := d.next(ctx)
		if t == nil {
			return
		}
		busy.Go(func() {
			defer func() { <-places }()
			d.serve(t)
		})
	}
}

// next waits until a call may be made, and only then chooses for what.
func (d *desk) next(ctx context.Context) *task {
	for ctx.Err() == nil {
		d.queue.wait(ctx)
		if _, client := d.configured(); client != nil {
			if wait := client.pace.begin(); wait > 0 {
				_ = sleep(ctx, d.office.deps.Clock, min(wait, time.Second))
				continue
			}
		}
		if t := d.queue.pop(); t != nil {
			return t
		}
	}
	return nil
}

// serve answers a task, unless it is none of ours any more.
func (d *desk) serve(t *task) {
	if !t.begin() {
		return
	}
	if t.over() {
		t.end(true)
		return
	}
	set, client := d.configured()
	var in *schemas.InputRecord
	switch {
	case client == nil:
		in = failure(t.request, ReasonNoConnection, d.office.deps.Clock.Now())
	case d.late(t, set):
		in = failure(t.request, ReasonTimeout, d.office.deps.Clock.Now())
	case t.request.GetAct() != nil:
		in = d.act(t, set, client)
	default:
		in = d.check(t, client)
	}
	d.office.reply(t, in)
}

// late says that the processor waits for the answer no more.
func (d *desk) late(t *task, set settings) bool { return d.left(t, set) < 0 }

// left is for how long the answer is of use.
func (d *desk) left(t *task, set settings) time.Duration {
	return t.made().Add(set.useful()).Sub(d.office.deps.Clock.Now())
}

func (d *desk) check(t *task, client *Client) *schemas.InputRecord {
	ctx, cancel := context.WithTimeout(withTicket(t.ctx), client.budget())
	defer cancel()
	o, err := client.Observe(ctx, t.request.ConversationId)
	d.note(t, err)
	if err != nil {
		return failure(t.request, asError(err).Reason, d.office.deps.Clock.Now())
	}
	o.OrgId, o.RequestId = d.org, t.request.Id
	return &schemas.InputRecord{Kind: &schemas.InputRecord_ThreadObserved{ThreadObserved: o}}
}

// note remembers whether the org's API is in trouble, and says what failed.
func (d *desk) note(t *task, err error) {
	if err != nil && t.ctx.Err() != nil {
		return // given up, not failed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.trouble
	d.trouble = nil
	if err == nil {
		if before != nil {
			d.log.Info("Genesys answers again")
		}
		return
	}
	e := asError(err)
	if e.orgWide() {
		d.trouble = e
	}
	if e.orgWide() && before != nil && before.Reason == e.Reason {
		return // said already
	}
	d.log.Warn("Genesys was asked in vain", schemas.LogConversation, t.request.ConversationId, schemas.LogReason, e.Reason, schemas.LogError, e)
}

// sweep returns the waiting tasks that must not wait any longer, by the reason
// why: those that the processor has given up, and while the org is in trouble or
// asked for a pause, those that would be answered later than in a minute.
func (d *desk) sweep(now time.Time) map[string][]*task {
	set, client := d.configured()
	over := map[string][]*task{
		ReasonTimeout: d.queue.take(func(t *task) bool { return now.Sub(t.made()) > set.useful() }),
	}
	if client == nil {
		return over
	}
	if pause := client.pace.paused(now); pause > 0 {
		over[ReasonRateLimited] = d.queue.take(func(t *task) bool { return now.Add(pause).Sub(t.seen) > answerWithin })
	}
	d.mu.Lock()
	trouble := d.trouble
	d.mu.Unlock()
	if trouble != nil {
		late := d.queue.take(func(t *task) bool { return now.Sub(t.seen) > answerWithin })
		over[trouble.Reason] = append(over[trouble.Reason], late...)
	}
	return over
}

// measure tells how much waits, and once a minute why it waits long.
func (d *desk) measure(now time.Time) {
	n, oldest := d.queue.waiting()
	age := max(0, now.Sub(oldest))
	if n == 0 {
		age = 0
	}
	d.office.metrics.waiting.WithLabelValues(d.org).Set(float64(n))
	d.office.metrics.oldest.WithLabelValues(d.org).Set(age.Seconds())
	d.mu.Lock()
	defer d.mu.Unlock()
	if age <= answerWithin || now.Sub(d.said) < answerWithin {
		return
	}
	d.said = now
	d.log.Warn("checks wait for longer than a minute: more falls due than the org's rate allows to look at",
		schemas.LogCount, n, schemas.LogDuration, age.Truncate(time.Second))
}
