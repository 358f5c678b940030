package genesys

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"unpark/clock"
)

// twin answers as Genesys does, in memory, so that time may be a bubble's. It has
// one token endpoint and answers that the test sets.
type twin struct {
	*http.ServeMux
	mu     sync.Mutex
	tokens int // handed out
	calls  []string
	ttl    int
	refuse int // the status for wrong credentials
}

func newTwin() *twin {
	t := &twin{ServeMux: http.NewServeMux(), ttl: 86400, refuse: http.StatusBadRequest}
	t.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, r *http.Request) {
		if id, secret, ok := r.BasicAuth(); !ok || id != "the-id" || secret != "the-secret" || r.FormValue("grant_type") != "client_credentials" {
			writeJSON(w, t.refuse, `{"error":"invalid_client","description":"client not found: the-id"}`)
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.tokens++
		writeJSON(w, http.StatusOK, fmt.Sprintf(`{"access_token":"token-%d","token_type":"bearer","expires_in":%d}`, t.tokens, t.ttl))
	})
	return t
}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ININ-Correlation-Id", "corr-1")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// answer answers a pattern with a status and a body.
func (t *twin) answer(pattern string, status int, body string) {
	t.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, status, body) })
}

// RoundTrip implements http.RoundTripper.
func (t *twin) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.calls = append(t.calls, r.Method+" "+r.URL.Path)
	t.mu.Unlock()
	rec := httptest.NewRecorder()
	t.ServeHTTP(rec, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// called returns how often a method and path were called.
func (t *twin) called(call string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.calls {
		if c == call {
			n++
		}
	}
	return n
}

var testConnection = Connection{API: "https://api.twin.example", ClientID: "env:UNPARK_ID", ClientSecret: "env:UNPARK_SECRET"}

func resolveTest(ref string) (string, error) {
	return map[string]string{"env:UNPARK_ID": "the-id", "env:UNPARK_SECRET": "the-secret", "env:UNPARK_WRONG": "wrong-secret"}[ref], nil
}

func testClient(transport http.RoundTripper, change ...func(*Connection)) *Client {
	conn := testConnection
	for _, c := range change {
		c(&conn)
	}
	return NewClient(conn, ClientDeps{Clock: clock.Real(), Log: slog.New(slog.DiscardHandler), Resolve: resolveTest, Transport: transport})
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b) {
		t.Fatalf("%s is no JSON", name)
	}
	return string(b)
}
