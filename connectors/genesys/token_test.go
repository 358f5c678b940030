package genesys

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// One token serves all calls, is replaced before its end, and once when it is
// refused.
func TestToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		tw.ttl = 600
		revoked := ""
		tw.HandleFunc(getConversation, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer "+revoked {
				status(401)(w, r)
				return
			}
			conversation(w, r)
		})
		c := testClient(tw)
		get := func(want int) {
			t.Helper()
			if _, err := c.Conversation(t.Context(), "c"); err != nil || tw.tokens != want {
				t.Fatalf("%v with %d tokens, want %d", err, tw.tokens, want)
			}
		}
		get(1)
		get(1)
		time.Sleep(539 * time.Second)
		get(1)
		time.Sleep(2 * time.Second)
		get(2)
		revoked = "token-2"
		get(3)
		revoked = "token-4"
		tw.mu.Lock()
		tw.tokens = 3
		tw.mu.Unlock()
		get(3)
	})
}

// A call that waits longer than a token lives goes with a fresh one.
func TestTokenOutlivesTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		tw.ttl = 300
		begun := time.Now()
		tw.HandleFunc(getConversation, conversation)
		tw.HandleFunc(getDetails, func(w http.ResponseWriter, r *http.Request) {
			if age := time.Since(begun); age > 300*time.Second && r.Header.Get("Authorization") == "Bearer token-1" {
				t.Errorf("called with a token of %v", age)
			}
			conversation(w, r)
		})
		c := testClient(tw)
		busy, rest := context.WithTimeout(t.Context(), 10*time.Minute)
		defer rest()
		for range 2 {
			go func() {
				for busy.Err() == nil {
					_, _ = c.Conversation(busy, "c")
				}
			}()
		}
		synctest.Wait()
		if _, err := c.Details(withPatience(t.Context()), "c"); err != nil || time.Since(begun) < 10*time.Minute {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

func TestTokenRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Genesys says 400, OAuth 401.
		for _, refuse := range []int{400, 401} {
			tw := newTwin()
			tw.refuse = refuse
			tw.HandleFunc(getConversation, conversation)
			begun := time.Now()
			_, err := testClient(tw, func(c *Connection) { c.ClientSecret = "env:UNPARK_WRONG" }).Conversation(t.Context(), "c")
			wantReason(t, err, ReasonCredentials, "invalid_client", "POST /oauth/token", "corr-1")
			if n, took := tw.called("POST /oauth/token"), time.Since(begun); n != 1 || took > 0 {
				t.Errorf("asked %d times in %v with wrong credentials (%d), want once and at once", n, took, refuse)
			}
		}

		// A token that is refused again and again.
		tw := newTwin()
		tw.HandleFunc(getConversation, status(401))
		_, err := testClient(tw).Conversation(t.Context(), "c")
		wantReason(t, err, ReasonCredentials, "401", "corr-1")
		if tw.tokens != 2 || tw.called(getConversation) != 2 {
			t.Errorf("%d tokens, %d calls, want one more of each", tw.tokens, tw.called(getConversation))
		}
	})
}

// An API that refuses every token (the client was deleted, the org is suspended) does not
// lead to a new one with every call; one that takes them again is noticed soon.
func TestEveryTokenRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		tw.answers(getConversation, slices.Repeat([]http.HandlerFunc{status(401)}, 100)...)
		c := testClient(tw)
		begun := time.Now()
		for tw.called(getConversation) < 100 {
			_, err := c.Conversation(t.Context(), "c")
			wantReason(t, err, ReasonCredentials, "401")
			time.Sleep(time.Second)
		}
		if most := 2 + int(time.Since(begun)/refusedPause); tw.tokens > most {
			t.Errorf("%d tokens in %v, want %d at most", tw.tokens, time.Since(begun), most)
		}
		tw.HandleFunc("GET /api/v2/conversations/other", conversation)
		time.Sleep(refusedPause)
		if _, err := c.Conversation(t.Context(), "other"); err != nil {
			t.Error(err)
		}
	})
}

// A token that could not be had has replaced none: that the endpoint is away for a moment
// is no reason to leave it alone for longer.
func TestTokenEndpointAwayAfter401(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := &twin{ServeMux: http.NewServeMux()}
		token := func(value string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				writeJSON(w, 200, `{"access_token":"`+value+`","expires_in":3600}`)
			}
		}
		tw.answers("POST /oauth/token", token("revoked"), status(503), token("good"))
		tw.HandleFunc(getConversation, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer good" {
				status(401)(w, r)
				return
			}
			conversation(w, r)
		})
		c := testClient(tw)
		begun := time.Now()
		for {
			if _, err := c.Conversation(t.Context(), "c"); err == nil {
				break
			}
			time.Sleep(time.Second)
		}
		if d := time.Since(begun); d > 5*time.Second {
			t.Errorf("no answer for %v", d)
		}
	})
}

// The token endpoint says 400 when its own rate is reached, and is left alone.
func TestTokenRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := &twin{ServeMux: http.NewServeMux()}
		tw.HandleFunc(getConversation, conversation)
		tw.answers("POST /oauth/token",
			func(w http.ResponseWriter, _ *http.Request) {
				writeJSON(w, 400, `{"error":"invalid_request","description":"rate limit exceeded;xyz"}`)
			},
			func(w http.ResponseWriter, _ *http.Request) {
				writeJSON(w, 200, `{"access_token":"a","expires_in":60}`)
			})
		c := testClient(tw)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			_, err := c.Conversation(ctx, "c")
			cancel()
			wantReason(t, err, ReasonRateLimited, "token endpoint")
		}
		if n := tw.called("POST /oauth/token"); n != 1 {
			t.Errorf("asked %d times within 15 seconds, want once", n)
		}
		time.Sleep(10 * time.Second)
		if _, err := c.Conversation(t.Context(), "c"); err != nil {
			t.Error(err)
		}
	})
}
