package simulator

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// door is who may come in, and how often.
type door struct {
	limits Limits
	name   string

	mu          sync.Mutex
	tokens      map[string]time.Time // when each ends
	windows     map[string]*limit    // calls by token
	logins      limit
	permissions []string
	faults      []*Fault
	calls       map[string]int
	requests    int
}

func newDoor(c Config) door {
	return door{
		limits: c.Limits, name: c.Name, tokens: make(map[string]time.Time), windows: make(map[string]*limit),
		permissions: slices.Clone(c.Permissions), calls: make(map[string]int),
	}
}

// limit counts within a minute that begins with the first call.
type limit struct {
	begun time.Time
	count int
}

func (l *limit) take(now time.Time, most int) (left time.Duration, ok bool) {
	if now.Sub(l.begun) >= time.Minute || now.Before(l.begun) {
		l.begun, l.count = now, 0
	}
	l.count++
	return time.Minute - now.Sub(l.begun), l.count <= most
}

// issue makes a new token; false if there were too many within the minute.
func (d *door) issue(now time.Time) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.logins.take(now, d.limits.TokenPerMinute); !ok {
		return "", false
	}
	token := fmt.Sprintf("%s-token-%d", d.name, len(d.tokens)+1)
	d.tokens[token] = now.Add(d.limits.TokenTTL)
	return token, true
}

// issued tells whether a token is, or was once, one of this organisation's.
func (d *door) issued(token string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.tokens[token]
	return ok
}

// admit lets a call in or says why not. It sets the headers that every answer
// has.
func (d *door) admit(w http.ResponseWriter, token string, now time.Time) *apiError {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests++
	h := w.Header()
	h.Set("inin-correlation-id", fmt.Sprintf("c0ffee00-0000-4000-8000-%012x", d.requests))
	if !now.Before(d.tokens[token]) {
		return errBadToken
	}
	window := d.windows[token]
	if window == nil {
		window = &limit{}
		d.windows[token] = window
	}
	left, ok := window.take(now, d.limits.PerMinute)
	seconds := int((left + time.Second - 1) / time.Second)
	h.Set("inin-ratelimit-count", strconv.Itoa(window.count))
	h.Set("inin-ratelimit-allowed", strconv.Itoa(d.limits.PerMinute))
	h.Set("inin-ratelimit-reset", strconv.Itoa(seconds))
	if !ok {
		h.Set("Retry-After", strconv.Itoa(seconds))
		return errTooMany(seconds)
	}
	return nil
}

func errTooMany(seconds int) *apiError {
	return &apiError{429, "too.many.requests", fmt.Sprintf("Rate limit exceeded the maximum. Retry the request in [%d] seconds", seconds)}
}

// may tells whether the client has one of some permissions.
func (d *door) may(permissions []string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(permissions) == 0 || slices.ContainsFunc(permissions, func(p string) bool { return slices.Contains(d.permissions, p) })
}

func (d *door) count(call string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[call]++
}

// Calls counts the calls of the API by method, path pattern and status, as in
// "GET /api/v2/users/{user} 200". Faults are not in it.
func (o *Org) Calls() map[string]int {
	o.door.mu.Lock()
	defer o.door.mu.Unlock()
	return maps.Clone(o.door.calls)
}

// ExpireTokens ends every token at once, as when the client's secret is renewed.
func (o *Org) ExpireTokens() {
	o.door.mu.Lock()
	defer o.door.mu.Unlock()
	for token := range o.door.tokens {
		o.door.tokens[token] = time.Time{}
	}
}

// Grant gives the client a permission; Revoke takes it away.
func (o *Org) Grant(permission string) {
	o.door.mu.Lock()
	defer o.door.mu.Unlock()
	o.door.permissions = append(o.door.permissions, permission)
}

// Revoke takes a permission away from the client.
func (o *Org) Revoke(permission string) {
	o.door.mu.Lock()
	defer o.door.mu.Unlock()
	o.door.permissions = slices.DeleteFunc(o.door.permissions, func(p string) bool { return p == permission })
}
