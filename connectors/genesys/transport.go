package genesys

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"unpark/clock"
	"unpark/internal/transport"
	"unpark/schemas"
)

const (
	// maxAnswer bounds one answer, unpacked. A page of a hundred conversations with
	// all their segments has a few megabytes.
	maxAnswer = 16 << 20
	// attemptTimeout bounds one attempt of a call, on the wall.
	attemptTimeout = 15 * time.Second
	// maxPatience is the longest Retry-After that a call waits for (the SDKs'); a
	// longer one is a quota, and the org waits as a whole.
	maxPatience = 180 * time.Second
	// longestPause is the longest that Genesys is left alone for: no quota is longer.
	longestPause = 24 * time.Hour
	// busyPause is how long calls rest after a 429 that does not say (the SDKs').
	busyPause = 3 * time.Second
	// maxAttempts of a read.
	maxAttempts = 5
)

// shared is what clients send through that are given no transport of their own.
var shared = transport.New()

// caller sends the requests of the generated client: at the org's pace, with its
// token, and again where that is safe. Its answers are whole, bounded and 2xx.
type caller struct {
	http   *http.Client
	tokens *tokens
	pace   *pace
	clock  clock.Clock
	log    *slog.Logger
	called func(result string)
}

// Do implements the generated client's HttpRequestDoer.
func (c *caller) Do(req *http.Request) (*http.Response, error) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = time.Second, 30*time.Second
	stale := ""
	for attempt := 1; ; attempt++ {
		resp, token, err := c.once(req, stale)
		if err == nil {
			return resp, nil
		}
		e := new(*asError(err)) // the token's error is everybody's
		e.Call = cmp.Or(e.Call, req.Method+" "+req.URL.Path)
		if e.Status == http.StatusUnauthorized && stale == "" && token != "" {
			stale = token // a new one, once, whatever is called
			continue
		}
		if e.Status == http.StatusTooManyRequests {
			c.holdUp(e)
		}
		if !reads(req) || !e.temporary() || e.RetryAfter > maxPatience || attempt == maxAttempts {
			return nil, e
		}
		if sleep(req.Context(), c.clock, max(wait.NextBackOff(), e.RetryAfter)) != nil {
			return nil, e
		}
	}
}

// holdUp stops the org's calls for as long as Genesys asks.
func (c *caller) holdUp(e *Error) {
	c.pace.hold(cmp.Or(e.RetryAfter, busyPause))
	if e.RetryAfter > maxPatience {
		c.log.Error("Genesys allows no calls for a while; what is due is said unverified", schemas.LogRetryAfter, e.RetryAfter, schemas.LogError, e)
	}
}

// reads says whether a request changes nothing and may be repeated.
func reads(req *http.Request) bool {
	return req.Method == http.MethodGet || strings.HasSuffix(req.URL.Path, "/details/query")
}

// once makes one attempt and returns the token it used.
func (c *caller) once(req *http.Request, stale string) (_ *http.Response, token string, err error) {
	if err := c.pace.wait(req.Context()); err != nil {
		return nil, "", err
	}
	if token, err = c.tokens.get(req.Context(), stale); err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(req.Context(), attemptTimeout)
	defer cancel()
	again := req.Clone(ctx)
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, "", err
		}
	}
	again.Header.Set("Authorization", "Bearer "+token)
	again.Header.Set("Accept", "application/json")
	resp, body, err := c.send(again)
	if err != nil {
		return nil, token, err
	}
	c.pace.answered(resp.Header)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, token, &Error{Reason: statusReason(resp.StatusCode), Status: resp.StatusCode, CorrelationID: correlation(resp), RetryAfter: retryAfter(resp)}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, token, nil
}

// send sends a request and reads the answer, to its limit.
func (c *caller) send(req *http.Request) (*http.Response, []byte, error) {
	req.Header.Set("User-Agent", "unpark")
	resp, err := c.http.Do(req)
	if err != nil {
		e := transportError(err)
		c.called(e.Reason)
		return nil, nil, e
	}
	defer resp.Body.Close()
	body, err := readAll(resp)
	if err != nil {
		c.called(asError(err).Reason)
		return nil, nil, err
	}
	c.called(strconv.Itoa(resp.StatusCode))
	return resp, body, nil
}

func readAll(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case len(body) > maxAnswer || resp.ContentLength > maxAnswer:
		return nil, &Error{Reason: ReasonBadAnswer, Status: resp.StatusCode, CorrelationID: correlation(resp),
			Err: fmt.Errorf("the answer is longer than %d bytes", maxAnswer)}
	case err != nil:
		return nil, transportError(err)
	}
	return body, nil
}

// transportError says why there is no answer, without quoting what may hold a
// secret.
func transportError(err error) *Error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if n, ok := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || ok && n.Timeout() {
		return &Error{Reason: ReasonTimeout, Err: errors.New("no answer in time")}
	}
	return &Error{Reason: ReasonUnavailable, Err: fmt.Errorf("no answer: %w", err)}
}

func correlation(resp *http.Response) string {
	id := resp.Header.Get("ININ-Correlation-Id")
	return id[:min(len(id), 64)]
}

// retryAfter reads the seconds of Retry-After; 0 if there are none.
func retryAfter(resp *http.Response) time.Duration {
	n, _ := header(resp.Header, "Retry-After")
	return min(time.Duration(n)*time.Second, longestPause)
}
