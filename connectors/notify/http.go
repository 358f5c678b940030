package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// answerLimit is how much of an answer is read: Slack's words are short, and
// nobody else's are looked at.
const answerLimit = 4 << 10

// Answer is what an HTTP destination said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // as far as it came
}

// userAgent is what we call ourselves.
var userAgent = []string{"unpark"}

// Post sends one message to an HTTP destination; header, by canonical names, is no more
// the caller's. A 2xx is an answer even if its body is cut short or does not end in time:
// the message was taken, and who wants more of the body judges what came. Its errors never
// hold the address: that is the secret, and the errors of net/http repeat it.
func Post(ctx context.Context, client *http.Client, address string, header http.Header, body []byte) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil || req.URL.Host == "" || (req.URL.Scheme != "http" && req.URL.Scheme != "https") {
		return nil, Permanent(reasonAddress, errors.New("what the configuration points to is no http(s) address"))
	}
	req.Header = header
	req.Header["User-Agent"] = userAgent
	resp, err := client.Do(req)
	if err != nil {
		return nil, TransportError(err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	answer := &Answer{Status: resp.StatusCode, Header: resp.Header, Body: said}
	if err != nil && answer.Err() != nil {
		return nil, TransportError(err)
	}
	return answer, nil
}

// Address returns the address that a configured value stands for.
func Address(value string, resolve func(ref string) (string, error)) (string, error) {
	if !IsReference(value) {
		return value, nil
	}
	// Worth another try: a file may be mounted late, a secret be rotated.
	address, err := resolve(value)
	if err != nil {
		return "", Retryable(reasonSecret, fmt.Errorf("%s cannot be resolved", value))
	}
	return address, nil
}

// Err classifies the answer by its status; nil for 2xx. Its text holds nothing
// that the destination wrote.
func (a *Answer) Err() error {
	if a.Status >= 200 && a.Status < 300 {
		return nil
	}
	err := fmt.Errorf("answered %d %s", a.Status, http.StatusText(a.Status))
	reason := "http_" + strconv.Itoa(a.Status)
	switch {
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooManyRequests, a.Status >= 500:
		return &Error{Reason: reason, RetryAfter: a.retryAfter(), Err: err}
	}
	return Permanent(reason, err)
}

// retryAfter reads Retry-After in both of its forms; 0 if there is none.
func (a *Answer) retryAfter() time.Duration {
	value := a.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(a.Header.Get("Date")) // the same clock that wrote the instant
	if err != nil {
		now = time.Now()
	}
	return max(0, at.Sub(now))
}

// TransportError says why there is no answer. Only errors whose text is known
// not to repeat the address are quoted.
func TransportError(err error) *Error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if n, ok := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) || ok && n.Timeout() {
		return Retryable(reasonTimeout, errors.New("no answer in time"))
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return Retryable(reasonUnreachable, op)
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Retryable(reasonUnreachable, cert)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Retryable(reasonUnreachable, errors.New("the connection was closed before an answer"))
	}
	return Retryable(reasonUnreachable, fmt.Errorf("the request failed (%T)", err))
}
