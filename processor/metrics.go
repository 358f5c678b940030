package processor

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what the handlers of a process decide.
type Metrics struct {
	ignored     *prometheus.CounterVec
	escalations *prometheus.CounterVec
	refused     prometheus.Counter
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
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "unpark_processor_config_refused_total",
			Help: "Activations of a configuration version that could not be used; the old one stays in force.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.ignored, m.escalations, m.refused)
	}
	return m
}
