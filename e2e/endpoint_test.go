package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// endpoint takes what unpark tells: /slack is shaped like an incoming webhook of
// Slack, /hook takes the records as they are.
type endpoint struct {
	*httptest.Server

	mu      sync.Mutex
	texts   []string
	records []escalation
	wrong   []string
	hold    chan struct{} // set: Slack does not answer until it is closed
	waiting int           // requests that hold keeps
}

func listen(t *testing.T) *endpoint {
	e := &endpoint{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /slack", e.slack)
	mux.HandleFunc("POST /hook", e.hook)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { e.refuse(w, "%s %s", r.Method, r.URL.Path) })
	e.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		e.release()
		e.Close()
		for _, what := range e.wrong {
			t.Errorf("a destination was told wrongly: %s", what)
		}
	})
	return e
}

// refuse answers what the real one would not take; the test fails for it.
func (e *endpoint) refuse(w http.ResponseWriter, format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wrong = append(e.wrong, fmt.Sprintf(format, args...))
	http.Error(w, "invalid_payload", http.StatusBadRequest)
}

func (e *endpoint) slack(w http.ResponseWriter, r *http.Request) {
	if e.hung() {
		panic(http.ErrAbortHandler)
	}
	var m struct {
		Text string `json:"text"`
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil || m.Text == "" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		e.refuse(w, "/slack: %v, %s %q", err, r.Header.Get("Content-Type"), body)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.texts = append(e.texts, m.Text)
	_, _ = io.WriteString(w, "ok")
}

func (e *endpoint) hook(w http.ResponseWriter, r *http.Request) {
	var got escalation
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &got)
	}
	if err != nil || r.Header.Get("ce-id") != got.ID+"/"+got.Status {
		e.refuse(w, "/hook: %v, ce-id %q, %s", err, r.Header.Get("ce-id"), body)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.records = append(e.records, got)
}

// hang lets no request to Slack end before release.
func (e *endpoint) hang() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hold = make(chan struct{})
}

func (e *endpoint) release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.hold != nil {
		close(e.hold)
		e.hold = nil
	}
}

// hung keeps a request until release, and then lets it go without an answer.
func (e *endpoint) hung() bool {
	e.mu.Lock()
	hold := e.hold
	if hold != nil {
		e.waiting++
	}
	e.mu.Unlock()
	if hold != nil {
		<-hold
	}
	return hold != nil
}

func (e *endpoint) hanging() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.waiting
}

// posted returns what the generic webhook was told.
func (e *endpoint) posted() []escalation {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.records)
}

// said returns what Slack was told.
func (e *endpoint) said() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.texts)
}

// headline is how the lines that people read begin. A warning or breach begins
// with its tier, a clearing or retraction names it further on.
var headline = regexp.MustCompile(`^(?:SLA (WARNING|BREACH)|(Cleared|Retracted)): Conversation (\S+) (?:.*The (warning|breach) at )?`)

// told reduces a line to what it tells of: status, kind and conversation.
func told(text string) string {
	m := headline.FindStringSubmatch(text)
	switch {
	case m == nil:
		return "unknown: " + text
	case m[1] != "":
		return "raised " + strings.ToLower(m[1]) + " " + m[3]
	default:
		return strings.ToLower(m[2]) + " " + m[4] + " " + m[3]
	}
}

func (e escalation) told() string { return e.Status + " " + e.Kind + " " + e.Conversation }
