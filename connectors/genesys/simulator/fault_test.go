package simulator

import (
	"io"
	"net/http"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	const users = "/api/v2/users"
	for name, c := range map[string]struct {
		fault  Fault
		status int
		check  func(*testing.T, *field, http.Header, answer)
	}{
		"503":       {Fault{Kind: Answer, Status: 503}, 503, nil},
		"429":       {Fault{Kind: Answer, Status: 429, RetryAfter: 7 * time.Second}, 429, retryAfter("7")},
		"429 alone": {Fault{Kind: Answer, Status: 429}, 429, retryAfter("")},
		"slow":      {Fault{Kind: Slow, Wait: time.Millisecond}, 200, nil},
		"dead":      {Fault{Kind: Dead}, 0, nil},
		"garbled": {Fault{Kind: Garbled}, 200, func(t *testing.T, _ *field, _ http.Header, a answer) {
			if a != nil {
				t.Errorf("JSON after all: %v", a)
			}
		}},
		"redirect": {Fault{Kind: Redirect, Location: "http://elsewhere.example/"}, 302, func(t *testing.T, _ *field, h http.Header, _ answer) {
			if h.Get("Location") != "http://elsewhere.example/" {
				t.Error(h)
			}
		}},
		"endless": {Fault{Kind: Endless}, 200, func(t *testing.T, f *field, _ http.Header, _ answer) {
			if a := f.get(users + "?pageNumber=1000"); a.text("nextUri") == "" || len(a.list("entities")) == 0 {
				t.Errorf("page 1000: %v", a)
			}
		}},
		"other path": {Fault{Kind: Dead, Path: "/api/v2/routing"}, 200, nil},
		"over":       {Fault{Kind: Dead, Until: monday}, 200, nil},
		"to come":    {Fault{Kind: Dead, From: monday.Add(time.Minute)}, 200, nil},
		"next call":  {Fault{Kind: Dead, Every: 2}, 200, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newField(t, nil)
			mend := f.Break(c.fault)
			status, h, a := f.call("GET", users, "")
			if status != c.status {
				t.Errorf("%d, want %d", status, c.status)
			}
			if c.check != nil {
				c.check(t, f, h, a)
			}
			mend()
			f.get(users)
		})
	}
}

func retryAfter(want string) func(*testing.T, *field, http.Header, answer) {
	return func(t *testing.T, _ *field, h http.Header, a answer) {
		if h.Get("Retry-After") != want || a.text("code") != "too.many.requests" {
			t.Errorf("%v %v", h, a)
		}
	}
}

func TestFaultHitsAsOftenAsAsked(t *testing.T) {
	f := newField(t, nil)
	f.Break(Fault{Kind: Answer, Status: 503, Times: 2, Every: 2})
	var got []int
	for range 6 {
		status, _, _ := f.call("GET", "/api/v2/users", "")
		got = append(got, status)
	}
	if want := [...]int{200, 503, 200, 503, 200, 200}; [6]int(got) != want || f.Hits() != 2 {
		t.Errorf("%v, %d hits", got, f.Hits())
	}
}

func TestLoginFault(t *testing.T) {
	f := newField(t, nil)
	f.Break(Fault{Kind: Answer, Status: 503, Path: "/oauth/token"})
	id, secret := f.Client()
	if status, _ := f.ask(id, secret); status != 503 {
		t.Errorf("%d", status)
	}
	f.get("/api/v2/users") // the token is good
}

func TestHugeAnswer(t *testing.T) {
	f := newField(t, nil)
	f.Break(Fault{Kind: Huge})
	req, _ := http.NewRequest("GET", f.server.URL+"/api/v2/users", nil)
	req.Header.Set("Authorization", "Bearer "+f.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n < 49<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
}
