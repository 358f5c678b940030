package notifytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"unicode/utf8"
)

// Twin stands for a vendor's receiver and refuses what the vendor would refuse. It
// remembers what it took and why it refused the rest.
type Twin interface {
	http.Handler
	// Secret is what Reference stands for: a token, or the path of the address.
	Secret() string
	// Refusals returns why it refused what it refused.
	Refusals() []string
}

// refusals is the memory of a Twin.
type refusals struct {
	mu  sync.Mutex
	all []string
}

// Refusals implements Twin.
func (r *refusals) Refusals() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.all...)
}

func (r *refusals) refuse(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, fmt.Sprintf(format, args...))
}

// object is a JSON object of which every key must be accounted for.
type object map[string]json.RawMessage

func parse(raw json.RawMessage) (object, error) {
	o := object{}
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fmt.Errorf("%.40s is no object", raw)
	}
	return o, nil
}

// only refuses keys that the vendor does not know.
func (o object) only(keys ...string) error {
	known := map[string]bool{}
	for _, k := range keys {
		known[k] = true
	}
	for k := range o {
		if !known[k] {
			return fmt.Errorf("%s: unknown key %q", o.str("type"), k)
		}
	}
	return nil
}

func (o object) str(key string) string {
	var s string
	_ = json.Unmarshal(o[key], &s) // not a string: empty, which no check takes
	return s
}

func (o object) list(key string) []json.RawMessage {
	var l []json.RawMessage
	_ = json.Unmarshal(o[key], &l) // not a list: empty
	return l
}

// length wants a text of 1 to most characters.
func length(what, s string, most int) error {
	if n := utf8.RuneCountInString(s); n < 1 || n > most {
		return fmt.Errorf("%s has %d characters, want 1 to %d", what, n, most)
	}
	return nil
}
