package notifytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"
)

// PagerDuty is a twin of the Events API v2
// (developer.pagerduty.com/docs/events-api-v2-overview). An alert has the state
// that its last event gave it.
type PagerDuty struct {
	refusals
	lock   sync.Mutex
	alerts map[string]string
	events []json.RawMessage
}

// Secret implements Twin.
func (p *PagerDuty) Secret() string { return "0123456789abcdef0123456789abcdef" }

// Alerts returns the state of each alert by its deduplication key: triggered,
// acknowledged, resolved.
func (p *PagerDuty) Alerts() map[string]string {
	p.lock.Lock()
	defer p.lock.Unlock()
	return maps.Clone(p.alerts)
}

// Events returns the events it took, oldest first.
func (p *PagerDuty) Events() []json.RawMessage {
	p.lock.Lock()
	defer p.lock.Unlock()
	return slices.Clone(p.events)
}

// ServeHTTP implements http.Handler.
func (p *PagerDuty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = p.check(r, body)
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		p.refuse("pagerduty: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": []string{err.Error()}})
		return
	}
	e, _ := parse(body) // it was, above
	p.take(e, body)
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "message": "Event processed", "dedup_key": e.str("dedup_key")})
}

// take follows the alert's life: what is not open cannot be acknowledged or
// resolved, and PagerDuty takes such an event without doing anything.
func (p *PagerDuty) take(e object, body json.RawMessage) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.alerts == nil {
		p.alerts = map[string]string{}
	}
	p.events = append(p.events, body)
	key := e.str("dedup_key")
	open := p.alerts[key] == "triggered" || p.alerts[key] == "acknowledged"
	switch e.str("event_action") {
	case "trigger":
		if !open {
			p.alerts[key] = "triggered"
		}
	case "acknowledge":
		if open {
			p.alerts[key] = "acknowledged"
		}
	case "resolve":
		if open {
			p.alerts[key] = "resolved"
		}
	}
}

var routingKey = regexp.MustCompile(`^[0-9A-Za-z]{32}$`)

func (p *PagerDuty) check(r *http.Request, body []byte) error {
	e, err := parse(body)
	if err != nil {
		return err
	}
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/v2/enqueue" || r.Header.Get("Content-Type") != "application/json":
		return fmt.Errorf("%s %s of %s", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	case len(body) > 512<<10:
		return errors.New("larger than 512 KB")
	case !routingKey.MatchString(e.str("routing_key")):
		return errors.New("'routing_key' is invalid (blank)")
	}
	errs := []error{
		e.only("routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links", "images"),
		length("dedup_key", e.str("dedup_key"), 255),
	}
	switch e.str("event_action") {
	case "acknowledge", "resolve":
	case "trigger":
		errs = append(errs, checkPayload(e["payload"]), each(e.list("links"), func(o object) error {
			return errors.Join(o.only("href", "text"), checkURL(o.str("href")))
		}))
	default:
		errs = append(errs, fmt.Errorf("'event_action' is %q", e.str("event_action")))
	}
	return errors.Join(errs...)
}

func checkPayload(raw json.RawMessage) error {
	p, err := parse(raw)
	if err != nil {
		return errors.New("'payload' is missing or blank")
	}
	errs := []error{
		p.only("summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"),
		length("summary", p.str("summary"), 1024), length("source", p.str("source"), 1024),
	}
	if !slices.Contains([]string{"critical", "error", "warning", "info"}, p.str("severity")) {
		errs = append(errs, fmt.Errorf("'severity' is %q", p.str("severity")))
	}
	if at, ok := p["timestamp"]; ok {
		if _, err := time.Parse(time.RFC3339, p.str("timestamp")); err != nil {
			errs = append(errs, fmt.Errorf("'timestamp' is %s", at))
		}
	}
	return errors.Join(errs...)
}
