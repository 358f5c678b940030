package genesys

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"unpark/clock"
)

// tokens keeps the org's one access token. The token endpoint has a narrow rate
// of its own, so whoever needs a new token waits for the one that is fetched.
type tokens struct {
	send    func(*http.Request) (*http.Response, []byte, error)
	address string
	id      string // references
	secret  string
	resolve func(ref string) (string, error)
	clock   clock.Clock

	lock    chan struct{} // guards what follows; a channel, to wait with a context
	value   string
	renewAt time.Time
	refused *Error    // why the last fetch failed
	retryAt time.Time // not before, after a failed fetch
	// replaced is when a token was fetched last because the one before was refused.
	replaced time.Time
}

const (
	// renewBefore is how long before its end a token is replaced, as the SDKs do.
	renewBefore = time.Minute
	// refusedPause is how long the endpoint is left alone after credentials were refused,
	// or a token that was to replace a refused one.
	refusedPause = 20 * time.Second
)

// get returns a token that is not stale, the one that was just refused (empty:
// none was).
func (t *tokens) get(ctx context.Context, stale string) (string, error) {
	select {
	case t.lock <- struct{}{}:
		defer func() { <-t.lock }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	now := t.clock.Now()
	if t.value != "" && t.value != stale && now.Before(t.renewAt) {
		return t.value, nil
	}
	if now.Before(t.retryAt) {
		return "", t.refused
	}
	replaces := t.value != "" && t.value == stale
	if replaces && !t.replaced.IsZero() && now.Sub(t.replaced) < refusedPause {
		return "", &Error{Reason: ReasonCredentials, Err: errors.New("the API answers 401, as with the token before")}
	}
	value, life, err := t.fetch(ctx)
	if err != nil {
		e := asError(err)
		if ctx.Err() == nil {
			t.refused, t.retryAt = e, t.clock.Now().Add(t.pause(e))
		}
		return "", e
	}
	if replaces {
		t.replaced = now
	}
	t.value, t.renewAt = value, t.clock.Now().Add(life-min(renewBefore, life/10))
	return value, nil
}

// pause is how long the token endpoint is left alone after it refused.
func (t *tokens) pause(e *Error) time.Duration {
	switch {
	case e.RetryAfter > 0:
		return e.RetryAfter
	case e.Reason == ReasonUnavailable, e.Reason == ReasonTimeout:
		return time.Second
	}
	return refusedPause
}

func (t *tokens) fetch(ctx context.Context) (value string, life time.Duration, err error) {
	req, err := t.request(ctx)
	if err != nil {
		return "", 0, &Error{Reason: ReasonCredentials, Err: err}
	}
	resp, body, err := t.send(req)
	if err != nil {
		return "", 0, err
	}
	var answer struct {
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"`
		Error       string  `json:"error"`
		Description string  `json:"description"`
		Described   string  `json:"error_description"`
	}
	malformed := json.Unmarshal(body, &answer)
	if resp.StatusCode != http.StatusOK {
		return "", 0, tokenError(resp, answer.Error, answer.Description+answer.Described)
	}
	if malformed != nil || answer.AccessToken == "" || answer.ExpiresIn < 1 {
		return "", 0, &Error{Reason: ReasonBadAnswer, Call: tokenCall, Err: errors.New("the answer holds no token")}
	}
	return answer.AccessToken, time.Duration(min(answer.ExpiresIn, 1e6) * float64(time.Second)), nil
}

const tokenCall = "POST /oauth/token"

func (t *tokens) request(ctx context.Context) (*http.Request, error) {
	id, err := t.resolve(t.id)
	if err != nil {
		return nil, err
	}
	secret, err := t.resolve(t.secret)
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.address+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(id, secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req, nil
}

// tokenError tells the endpoint's own rate limit, a 400 as wrong credentials are,
// from those.
func tokenError(resp *http.Response, code, description string) *Error {
	e := &Error{Status: resp.StatusCode, Call: tokenCall, CorrelationID: correlation(resp), RetryAfter: retryAfter(resp)}
	switch e.Reason = statusReason(resp.StatusCode); {
	case strings.Contains(strings.ToLower(description), "rate limit"):
		e.Reason = ReasonRateLimited
		e.Err = errors.New("the token endpoint's own rate limit is reached")
	case resp.StatusCode < 500 && resp.StatusCode >= 400 && e.Reason != ReasonRateLimited:
		e.Reason = ReasonCredentials
		e.Err = errors.New("the client id or its secret is refused (" + word(code) + ")")
	}
	return e
}

// word lets only a plain word of an answer into a message.
func word(s string) string {
	if s == "" || len(s) > 40 || strings.ContainsFunc(s, func(c rune) bool { return (c < 'a' || c > 'z') && c != '_' }) {
		return "no reason given"
	}
	return s
}
