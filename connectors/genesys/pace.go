package genesys

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"unpark/clock"
)

// pace keeps an org's calls below its rate: a token bucket of what is
// configured, slower if Genesys says that it allows less, and stopped while it
// asked for a pause. It is safe for concurrent use.
type pace struct {
	clock clock.Clock
	most  float64 // calls a minute

	mu      sync.Mutex
	bucket  *rate.Limiter
	pause   time.Time // no call before
	waiting int       // calls that wait
}

func newPace(perMinute int, c clock.Clock) *pace {
	p := &pace{clock: c, most: float64(perMinute)}
	p.bucket = rate.NewLimiter(share(p.most))
	return p
}

// share divides a rate into what flows and what may come at once, together never
// more than the rate in any minute.
func share(perMinute float64) (rate.Limit, int) {
	burst := max(1, int(perMinute/20))
	return rate.Limit(max(perMinute-float64(burst), perMinute/2) / 60), burst
}

// wait takes one call from the bucket, and waits for it, unless ctx would end
// before.
func (p *pace) wait(ctx context.Context) error {
	if redeem(ctx) {
		return ctx.Err()
	}
	if calls, patient := ctx.Value(patientKey{}).(int); patient {
		if taken, err := p.draw(ctx, p.spare, p.after(calls)); taken || err != nil {
			return err
		}
	}
	p.count(1)
	defer p.count(-1)
	_, err := p.draw(ctx, p.take, time.Time{})
	return err
}

// draw waits until take gives a call, or the time is over; zero: it never is.
func (p *pace) draw(ctx context.Context, take func() time.Duration, over time.Time) (taken bool, err error) {
	for {
		d := take()
		if d <= 0 {
			return true, ctx.Err()
		}
		if !over.IsZero() {
			left := over.Sub(p.clock.Now())
			if left <= 0 {
				return false, nil
			}
			d = min(d, left+time.Millisecond)
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) < p.clock.Wall(d) {
			return false, &Error{Reason: ReasonRateLimited, RetryAfter: d, Err: errors.New("the org's rate allows no call in time")}
		}
		if err := sleep(ctx, p.clock, d); err != nil {
			return false, err
		}
	}
}

func (p *pace) count(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting += n
}

// take takes a call, or says how long to wait before trying again.
func (p *pace) take() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if d := p.delay(now, 1); d > 0 {
		return d
	}
	p.bucket.AllowN(now, 1)
	return 0
}

// begin is take for the first call of something new: what has begun goes first.
func (p *pace) begin() time.Duration {
	p.mu.Lock()
	busy := p.waiting > 0
	p.mu.Unlock()
	if busy {
		return 100 * time.Millisecond
	}
	return p.take()
}

// patientKey has how many calls' time to be patient for; 0: for ever.
type patientKey struct{}

// withPatience has the calls under the context wait until nobody else needs one.
func withPatience(ctx context.Context) context.Context {
	return context.WithValue(ctx, patientKey{}, 0)
}

// withSomePatience has each call under the context wait so for as long as ten calls
// take, then like any other: of an org that is always busy it gets a tenth.
func withSomePatience(ctx context.Context) context.Context {
	return context.WithValue(ctx, patientKey{}, 10)
}

// after is when so many calls could have been made; zero: of none.
func (p *pace) after(calls int) time.Time {
	if calls == 0 {
		return time.Time{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock.Now().Add(time.Duration(float64(calls) / float64(p.bucket.Limit()) * float64(time.Second)))
}

// spare is take for what has time: only of a bucket that is full, and while nobody
// waits.
func (p *pace) spare() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if d := p.delay(now, float64(p.bucket.Burst())); d > 0 {
		return d
	}
	if p.waiting > 0 {
		return 100 * time.Millisecond
	}
	p.bucket.AllowN(now, 1)
	return 0
}

// ticket is a call that is taken from the bucket already.
type ticket struct{ used atomic.Bool }

type ticketKey struct{}

// withTicket lets the first call under the context go without a wait.
func withTicket(ctx context.Context) context.Context {
	return context.WithValue(ctx, ticketKey{}, new(ticket))
}

func redeem(ctx context.Context) bool {
	t, ok := ctx.Value(ticketKey{}).(*ticket)
	return ok && t.used.CompareAndSwap(false, true)
}

// delay is how long it takes until the bucket holds n calls.
func (p *pace) delay(now time.Time, n float64) time.Duration {
	if d := p.pause.Sub(now); d > 0 {
		return d
	}
	missing := n - p.bucket.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing/float64(p.bucket.Limit())*float64(time.Second)) + time.Millisecond
}

// hold allows no call for d.
func (p *pace) hold(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.clock.Now().Add(d); until.After(p.pause) {
		p.pause = until
	}
}

// answered obeys the inin-ratelimit headers of an answer: the calls counted and
// allowed in the window, and the seconds until the next one.
func (p *pace) answered(h http.Header) {
	allowed, okAllowed := header(h, "inin-ratelimit-allowed")
	count, okCount := header(h, "inin-ratelimit-count")
	reset, okReset := header(h, "inin-ratelimit-reset")
	if !okAllowed || allowed == 0 {
		return
	}
	p.mu.Lock()
	limit, burst := share(min(p.most, float64(allowed)))
	p.bucket.SetLimitAt(p.clock.Now(), limit)
	p.bucket.SetBurstAt(p.clock.Now(), burst)
	p.mu.Unlock()
	if okCount && okReset && count >= allowed {
		p.hold(min(time.Duration(reset)*time.Second, maxPatience))
	}
}

func header(h http.Header, name string) (uint64, bool) {
	n, err := strconv.ParseUint(h.Get(name), 10, 31)
	return n, err == nil
}

// sleep waits for d on the clock, or until ctx ends.
func sleep(ctx context.Context, c clock.Clock, d time.Duration) error {
	t := time.NewTimer(c.Wall(d))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// paused says how long Genesys has asked to be left alone.
func (p *pace) paused(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.pause.Sub(now))
}
