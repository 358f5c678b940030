package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sasl/oauth"
)

// tokenSource gets OAUTHBEARER tokens with client credentials and keeps one
// while it is good for new connections.
type tokenSource struct {
	s       SASL
	resolve Resolve
	client  *http.Client

	mu        sync.Mutex
	token     string
	renewAt   time.Time
	expiresAt time.Time
}

const (
	tokenTimeout = 10 * time.Second
	maxToken     = 1 << 20
)

func newTokenSource(s SASL, resolve Resolve) *tokenSource {
	return &tokenSource{s: s, resolve: resolve, client: &http.Client{
		Timeout: tokenTimeout,
		// The secret goes where the configuration says and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirects are not followed") },
	}}
}

func (t *tokenSource) auth(ctx context.Context) (oauth.Auth, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !time.Now().Before(t.renewAt) {
		// Until it expires the old one is better than none.
		if err := t.renew(ctx); err != nil && !time.Now().Before(t.expiresAt) {
			return oauth.Auth{}, fmt.Errorf("token from %s: %w", t.s.TokenURL, err)
		}
	}
	return oauth.Auth{Token: t.token}, nil
}

func (t *tokenSource) renew(ctx context.Context) error {
	req, err := t.request(ctx)
	if err != nil {
		return err
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return plainCause(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxToken))
	if err != nil {
		return err
	}
	var answer struct {
		Token     string  `json:"access_token"`
		ExpiresIn float64 `json:"expires_in"`
		Error     string  `json:"error"`
	}
	err = json.Unmarshal(body, &answer)
	switch {
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s %s", resp.Status, answer.Error)
	case err != nil:
		return errors.New("the answer is not JSON")
	case answer.Token == "":
		return errors.New("the answer holds no access_token")
	}
	t.token = answer.Token
	// Early enough that a token is not too old when it reaches the broker.
	lasts := time.Duration(answer.ExpiresIn * float64(time.Second))
	t.renewAt, t.expiresAt = time.Now().Add(lasts/5*4), time.Now().Add(lasts)
	return nil
}

// request carries the client's id and secret as RFC 6749 section 2.3.1 has them.
func (t *tokenSource) request(ctx context.Context) (*http.Request, error) {
	id, err := named(t.s.ClientID, t.resolve)
	if err != nil {
		return nil, err
	}
	secret, err := t.resolve(t.s.ClientSecret)
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if t.s.Scope != "" {
		form.Set("scope", t.s.Scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.s.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return req, nil
}

// plainCause leaves out the method and address, which the message already has.
func plainCause(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}
