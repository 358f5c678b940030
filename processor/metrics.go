package processor

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"unpark/processor/sla"
	"unpark/schemas"
)

// maxOrgLabels bounds the orgs that have time series of their own; those seen
// later share one.
const maxOrgLabels = 500

// Metrics counts what the handlers of a process decide.
type Metrics struct {
	ignored     *prometheus.CounterVec
	escalations *prometheus.CounterVec
	requests    *prometheus.CounterVec
	answers     *prometheus.CounterVec
	refused     prometheus.Counter
	always      *prometheus.GaugeVec

	mu   sync.Mutex
	orgs map[string]string
	said map[string]string // what always tells, by org
}

// NewMetrics returns metrics registered with reg, which may be nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		ignored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "unpark_processor_ignored_total",
			Help: "Records without effect, by reason: media (no e-mail or message), unknown_org (no configuration in force).",
		}, []string{"reason"}),
		escalations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "unpark_processor_escalations_total",
			Help: "Escalations decided, by status and kind. Counts tries: a transaction that was aborted is decided again.",
		}, []string{"status", "kind"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "unpark_processor_requests_total",
			Help: "Looks and actions asked of Genesys, by org and urgency (action, breach, warning, look_ahead, follow_up). Counts tries.",
		}, []string{"org", "urgency"}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "unpark_processor_answers_total",
			Help: "What became of them, by org and answer: observed, failed, done, timeout (none within check_timeout), forgotten (nobody waited for it). Counts tries.",
		}, []string{"org", "answer"}),
		orgs: make(map[string]string),
		said: make(map[string]string),
		always: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "unpark_processor_calendars_always",
			Help: "Calendars that count as always, by org: their schedule groups have not been synced from Genesys.",
		}, []string{"org"}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "unpark_processor_config_refused_total",
			Help: "Activations of a configuration version that could not be used; the old one stays in force.",
		}),
	}
	// Every series is there from the start, so that a first one is seen as a change.
	for _, reason := range []string{"media", "unknown_org"} {
		m.ignored.WithLabelValues(reason)
	}
	for _, status := range []string{schemas.StatusRaised, schemas.StatusCleared, schemas.StatusRetracted} {
		for _, kind := range []string{"warning", "breach", "action"} {
			m.escalations.WithLabelValues(status, kind)
		}
	}
	if reg != nil {
		reg.MustRegister(m.ignored, m.escalations, m.requests, m.answers, m.refused, m.always)
	}
	return m
}

// org returns the label of an org.
func (m *Metrics) org(id string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	label, known := m.orgs[id]
	switch {
	case known:
	case len(m.orgs) >= maxOrgLabels:
		return "other"
	default:
		label = strings.Clone(id) // it outlives what it came with
		m.orgs[label] = label
	}
	return label
}

// countAlways notes the calendars of an org that count as always, and reports whether
// there are any that it was not told of.
func (m *Metrics) countAlways(org string, rules *sla.RuleSet) bool {
	m.always.WithLabelValues(m.org(org)).Set(float64(len(rules.Always)))
	names := strings.Join(rules.Always, "\n")
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.said[org] == names
	m.said[org] = names
	return !known && names != ""
}
