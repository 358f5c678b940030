package genesys

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	conversationPath = "/api/v2/conversations/c"
	getConversation  = "GET " + conversationPath
	replacePath      = "/api/v2/conversations/messages/c/participants/p/replace"
)

// answers answers a pattern with one handler after the other, the last for ever.
func (t *twin) answers(pattern string, handlers ...http.HandlerFunc) {
	n := 0
	t.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		t.mu.Lock()
		h := handlers[min(n, len(handlers)-1)]
		n++
		t.mu.Unlock()
		h(w, r)
	})
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		writeJSON(w, code, `{"message":"no","code":"x","contextId":"k"}`)
	}
}

func conversation(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, `{"id":"c"}`) }

func wantReason(t *testing.T, err error, reason string, texts ...string) {
	t.Helper()
	if err == nil || asError(err).Reason != reason {
		t.Fatalf("got %v, want %s", err, reason)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
	if strings.Contains(err.Error(), "secret") && !strings.Contains(err.Error(), "its secret is refused") || strings.Contains(err.Error(), "token-") {
		t.Errorf("%q tells a secret", err)
	}
}

func TestReadsAreRepeated(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []http.HandlerFunc
		reason  string // empty: it works in the end
		calls   int
		least   time.Duration
	}{
		{"503", []http.HandlerFunc{status(503), status(502), conversation}, "", 3, time.Second},
		{"always 503", []http.HandlerFunc{status(503)}, ReasonUnavailable, maxAttempts, 3 * time.Second},
		{"429", []http.HandlerFunc{status(429, "Retry-After", "17"), conversation}, "", 2, 17 * time.Second},
		{"429 without a time", []http.HandlerFunc{status(429), conversation}, "", 2, 3 * time.Second},
		{"503 with a time", []http.HandlerFunc{status(503, "Retry-After", "17"), conversation}, "", 2, 17 * time.Second},
		{"a quota", []http.HandlerFunc{status(429, "Retry-After", "3600")}, ReasonRateLimited, 1, 0},
		{"501", []http.HandlerFunc{status(501)}, ReasonBadAnswer, 1, 0},
		{"404", []http.HandlerFunc{status(404)}, ReasonNotFound, 1, 0},
		{"403", []http.HandlerFunc{status(403)}, ReasonForbidden, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tw := newTwin()
				tw.answers(getConversation, tt.answers...)
				start := time.Now()
				_, err := testClient(tw).Conversation(t.Context(), "c")
				if tt.reason == "" && err != nil {
					t.Error(err)
				}
				if tt.reason != "" {
					wantReason(t, err, tt.reason, "GET /api/v2/conversations/c", "corr-1")
				}
				if n := tw.called(getConversation); n != tt.calls {
					t.Errorf("%d calls, want %d", n, tt.calls)
				}
				if d := time.Since(start); d < tt.least {
					t.Errorf("after %v, want at least %v", d, tt.least)
				}
			})
		})
	}
}

// After a quota's Retry-After no call is made until it is over, whoever asks.
func TestQuotaStopsTheOrg(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		tw.answers(getConversation, status(429, "Retry-After", "3600"), conversation)
		c := testClient(tw)
		_, err := c.Conversation(t.Context(), "c")
		wantReason(t, err, ReasonRateLimited)
		start := time.Now()
		if _, err := c.Conversation(t.Context(), "c"); err != nil || time.Since(start) != time.Hour {
			t.Errorf("%v after %v, want after an hour", err, time.Since(start))
		}
	})
}

func TestWritesAreNotRepeated(t *testing.T) {
	for _, tt := range []struct {
		answer http.HandlerFunc
		reason string
		calls  int
	}{
		{status(503), ReasonUnavailable, 1},
		{status(429, "Retry-After", "1"), ReasonRateLimited, 1},
		{status(400), ReasonBadAnswer, 1},
		{status(401), ReasonCredentials, 2}, // with a new token: it was not even looked at
		{func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, ReasonTimeout, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			tw := newTwin()
			tw.HandleFunc("POST "+replacePath, tt.answer)
			wantReason(t, testClient(tw).Replace(t.Context(), pathMessages, "c", "p", "q"), tt.reason)
			if n := tw.called("POST " + replacePath); n != tt.calls {
				t.Errorf("%s: %d calls, want %d", tt.reason, n, tt.calls)
			}
		})
	}
}

// No quota is longer than a day: what asks for more, in another unit or by mistake,
// stops the org no longer.
func TestRetryAfterOfYears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		tw.answers(getConversation, status(429, "Retry-After", "1772442903"), conversation)
		c := testClient(tw)
		_, err := c.Conversation(t.Context(), "c")
		wantReason(t, err, ReasonRateLimited)
		for _, at := range []struct {
			after  time.Duration
			reason string
		}{{23 * time.Hour, ReasonRateLimited}, {time.Hour, ""}} {
			time.Sleep(at.after)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_, err := c.Conversation(ctx, "c")
			cancel()
			if at.reason != "" {
				wantReason(t, err, at.reason)
			} else if err != nil {
				t.Error(err)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		tw := &twin{ServeMux: http.NewServeMux()}
		tw.HandleFunc(getConversation, conversation)
		tw.answers("POST /oauth/token", status(429, "Retry-After", "1772442903"),
			func(w http.ResponseWriter, _ *http.Request) {
				writeJSON(w, 200, `{"access_token":"a","expires_in":60}`)
			})
		c := testClient(tw)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.Conversation(ctx, "c")
		wantReason(t, err, ReasonRateLimited)
		time.Sleep(24 * time.Hour)
		if _, err := c.Conversation(t.Context(), "c"); err != nil {
			t.Error(err)
		}
	})
}

func TestOddAnswersAreRefused(t *testing.T) {
	huge := bytes.Repeat([]byte(" "), 50<<20)
	for name, answer := range map[string]http.HandlerFunc{
		"50 MB":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(huge) },
		"no JSON":      func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Jane Doe</html>")) },
		"null":         func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("null")) },
		"nothing":      func(http.ResponseWriter, *http.Request) {},
		"another type": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"participants":"Jane Doe"}`)) },
		"another host": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
		},
		"deep":             func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(`[`), 1<<20)) },
		"a strange status": status(418),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tw := newTwin()
				tw.HandleFunc(getConversation, answer)
				_, err := testClient(tw).Conversation(t.Context(), "c")
				wantReason(t, err, ReasonBadAnswer)
				if strings.Contains(err.Error(), "Jane") {
					t.Errorf("%q quotes the answer", err)
				}
				if n := len(tw.calls); n != 2 {
					t.Errorf("%d calls, want the token and one: %v", n, tw.calls)
				}
			})
		})
	}
}

// A call that is never answered ends by itself.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		tw.HandleFunc(getConversation, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), checkBudget)
		defer cancel()
		_, err := testClient(tw).Conversation(ctx, "c")
		wantReason(t, err, ReasonTimeout)
		if d := time.Since(start); d > checkBudget || d < attemptTimeout {
			t.Errorf("after %v", d)
		}
	})
}

// In no minute more calls are made than the rate allows.
func TestPace(t *testing.T) {
	for _, perMinute := range []int{1, 10, 300, 1000} {
		synctest.Test(t, func(t *testing.T) {
			tw := newTwin()
			var at []time.Time
			tw.HandleFunc(getConversation, func(w http.ResponseWriter, r *http.Request) {
				at = append(at, time.Now())
				conversation(w, r)
			})
			c := testClient(tw, func(c *Connection) { c.RatePerMinute = perMinute })
			for range 2*perMinute + 2 {
				if _, err := c.Conversation(t.Context(), "c"); err != nil {
					t.Fatal(err)
				}
			}
			for i := range at {
				if j := i + perMinute; j < len(at) && at[j].Sub(at[i]) < time.Minute {
					t.Fatalf("%d a minute: %d calls in %v", perMinute, perMinute+1, at[j].Sub(at[i]))
				}
			}
			if spent := at[len(at)-1].Sub(at[0]); spent > 6*time.Minute+time.Second {
				t.Errorf("%d a minute: %d calls took %v", perMinute, len(at), spent)
			}
		})
	}
}

// Genesys's own count wins over what is configured.
func TestRateLimitHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		count := 0
		var window time.Time
		tw.HandleFunc(getConversation, func(w http.ResponseWriter, r *http.Request) {
			if time.Since(window) > time.Minute {
				count, window = 0, time.Now()
			}
			count++
			if count > 30 {
				t.Error("more than 30 calls in a window")
			}
			w.Header().Set("inin-ratelimit-count", strconv.Itoa(count))
			w.Header().Set("inin-ratelimit-allowed", "30")
			w.Header().Set("inin-ratelimit-reset", "61")
			conversation(w, r)
		})
		c := testClient(tw)
		for range 100 {
			if _, err := c.Conversation(t.Context(), "c"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestConnection(t *testing.T) {
	for _, tt := range []struct {
		conn        Connection
		base, login string
		problem     string
	}{
		{Connection{Region: "us-east-1"}, "https://api.mypurecloud.com", "https://login.mypurecloud.com", ""},
		{Connection{Region: "eusc-de-east-1"}, "https://api.edee1.eusc-pure.cloud", "https://login.edee1.eusc-pure.cloud", ""},
		{Connection{API: "http://127.0.0.1:1/"}, "http://127.0.0.1:1", "http://127.0.0.1:1", ""},
		{Connection{API: "https://api.euw2.pure.cloud"}, "https://api.euw2.pure.cloud", "https://login.euw2.pure.cloud", ""},
		{Connection{Region: "eu-south-9"}, "", "", `"eu-south-9" is no region of Genesys`},
		{Connection{}, "", "", "needs region"},
		{Connection{Region: "us-east-1", API: "https://x"}, "", "", "one of them"},
		{Connection{API: "https://user:secret@x"}, "", "", "is no address"},
		{Connection{API: "ftp://x"}, "", "", "is no address"},
		{Connection{Region: "us-east-1", RatePerMinute: -1}, "", "", "negative"},
	} {
		ps := tt.conn.Validate()
		switch {
		case tt.problem != "" && (len(ps) == 0 || !strings.Contains(ps[0].Message, tt.problem)):
			t.Errorf("%+v: %v, want %s", tt.conn, ps, tt.problem)
		case tt.problem == "" && len(ps) > 0:
			t.Errorf("%+v: %v", tt.conn, ps)
		case tt.problem == "":
			if base, login := tt.conn.hosts(); base != tt.base || login != tt.login {
				t.Errorf("%+v: %s and %s", tt.conn, base, login)
			}
		}
	}
	if n := len(domains); n != 18 {
		t.Errorf("%d regions", n)
	}
}
