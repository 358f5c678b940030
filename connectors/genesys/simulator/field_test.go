package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// monday is a Monday, half an hour before work begins in UTC.
var monday = time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)

// field is an organisation, its API, and a clock that the test steps.
type field struct {
	*Org
	t      *testing.T
	server *httptest.Server
	now    atomic.Int64
	token  string
}

func newField(t *testing.T, change func(*Config)) *field {
	t.Helper()
	f := &field{t: t}
	f.now.Store(monday.UnixMilli())
	c := Config{ID: "org-1", Name: "acme", Seed: 1, Now: f.time}
	if change != nil {
		change(&c)
	}
	org, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	f.Org = org
	f.server = httptest.NewServer(NewRegion(org))
	t.Cleanup(f.server.Close)
	f.login()
	return f
}

func (f *field) time() time.Time { return time.UnixMilli(f.now.Load()).UTC() }

// step moves the clock.
func (f *field) step(to time.Time) { f.now.Store(to.UnixMilli()) }

func (f *field) login() {
	f.t.Helper()
	id, secret := f.Client()
	status, answer := f.ask(id, secret)
	if status != 200 {
		f.t.Fatalf("login: %d %v", status, answer)
	}
	f.token = answer.text("access_token")
}

// ask asks for a token.
func (f *field) ask(id, secret string) (int, answer) {
	req, _ := http.NewRequest("POST", f.server.URL+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(id, secret)
	status, _, a := f.do(req)
	return status, a
}

// call calls the API.
func (f *field) call(method, path, body string) (int, http.Header, answer) {
	f.t.Helper()
	req, err := http.NewRequest(method, f.server.URL+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.token)
	return f.do(req)
}

func (f *field) do(req *http.Request) (int, http.Header, answer) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, nil, nil
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	var a answer
	_ = json.Unmarshal(raw, &a)
	return resp.StatusCode, resp.Header, a
}

// get reads what must be there.
func (f *field) get(path string) answer {
	f.t.Helper()
	status, _, a := f.call("GET", path, "")
	if status != 200 {
		f.t.Fatalf("GET %s: %d %v", path, status, a)
	}
	return a
}

// answer is a JSON object.
type answer map[string]any

func (a answer) text(key string) string { s, _ := a[key].(string); return s }

func (a answer) number(key string) int { n, _ := a[key].(float64); return int(n) }

func (a answer) list(key string) []answer {
	var all []answer
	items, _ := a[key].([]any)
	for _, one := range items {
		object, _ := one.(map[string]any)
		all = append(all, object)
	}
	return all
}

func (a answer) object(key string) answer { o, _ := a[key].(map[string]any); return o }

// participants are those of a purpose.
func (a answer) participants(purpose string) []answer {
	var all []answer
	for _, p := range a.list("participants") {
		if p.text("purpose") == purpose {
			all = append(all, p)
		}
	}
	return all
}
