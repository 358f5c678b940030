package simulator

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is something that goes wrong with the calls it is for. Of several the
// first that was made does.
type Fault struct {
	// Path is what the path of a call begins with: "/oauth/token", "/api/v2/users";
	// empty: everything below /api/.
	Path string
	// From and Until are when it is there, on the organisation's clock; zero: from
	// now, and until it is mended.
	From, Until time.Time
	// Times is how many calls it hits; 0: all of them. Every hits each nth only.
	Times, Every int
	Kind         FaultKind
	// Status and RetryAfter are those of an Answer; a zero RetryAfter is not sent.
	Status     int
	RetryAfter time.Duration
	// Wait is how long a Slow call takes, on the wall clock.
	Wait time.Duration
	// Location is where a Redirect leads.
	Location string

	seen, hit int
}

// FaultKind is what goes wrong.
type FaultKind string

// The kinds of faults.
const (
	Answer   FaultKind = "answer"   // an error answer with Status
	Slow     FaultKind = "slow"     // the right answer, late
	Dead     FaultKind = "dead"     // the connection closes without an answer
	Garbled  FaultKind = "garbled"  // 200, and JSON that breaks off
	Huge     FaultKind = "huge"     // 200, and 50 MB
	Endless  FaultKind = "endless"  // listings always have one more page
	Redirect FaultKind = "redirect" // 302 to Location
)

// Break lets a fault in; mend ends it.
func (o *Org) Break(f Fault) (mend func()) {
	o.door.mu.Lock()
	defer o.door.mu.Unlock()
	o.door.faults = append(o.door.faults, &f)
	return func() {
		o.door.mu.Lock()
		defer o.door.mu.Unlock()
		o.door.faults = slices.DeleteFunc(o.door.faults, func(g *Fault) bool { return g == &f })
	}
}

// Hits is how many calls all faults that are there have hit.
func (o *Org) Hits() int {
	o.door.mu.Lock()
	defer o.door.mu.Unlock()
	sum := 0
	for _, f := range o.door.faults {
		sum += f.hit
	}
	return sum
}

// fault returns what goes wrong with a call; nil if nothing does.
func (d *door) fault(r *http.Request, now time.Time) *Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.faults {
		if f.strikes(r.URL.Path, now) {
			return f
		}
	}
	return nil
}

func (f *Fault) strikes(path string, now time.Time) bool {
	prefix := f.Path
	if prefix == "" {
		prefix = "/api/"
	}
	if !strings.HasPrefix(path, prefix) || now.Before(f.From) || !f.Until.IsZero() && !now.Before(f.Until) || f.Times > 0 && f.hit >= f.Times {
		return false
	}
	f.seen++
	if f.Every > 1 && f.seen%f.Every != 0 {
		return false
	}
	f.hit++
	return true
}

// serve answers instead of the API.
func (f *Fault) serve(w http.ResponseWriter, r *http.Request) {
	switch f.Kind {
	case Dead:
		panic(http.ErrAbortHandler)
	case Garbled:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"garbled","participants":[{"id":`)) // who asked may have gone
	case Huge:
		f.flood(w)
	case Redirect:
		http.Redirect(w, r, f.Location, http.StatusFound)
	default:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter/time.Second)))
		}
		e := &apiError{f.Status, "internal.server.error", http.StatusText(f.Status)}
		switch f.Status {
		case http.StatusTooManyRequests:
			e = errTooMany(int(f.RetryAfter / time.Second))
		case http.StatusServiceUnavailable:
			e = &apiError{f.Status, "service.unavailable", "Service Unavailable - The server is currently unavailable (because it is overloaded or down for maintenance)."}
		}
		fail(w, e)
	}
}

// flood answers with 50 MB of JSON.
func (f *Fault) flood(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"id":"huge","entities":[`)
	line := bytes.Repeat([]byte(`{"id":"0123456789"},`), 1<<16/20)
	for range 50 << 20 / len(line) {
		if _, err := w.Write(line); err != nil {
			return
		}
	}
	fmt.Fprint(w, `{}]}`)
}
