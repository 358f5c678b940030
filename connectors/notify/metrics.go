package notify

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics of the notifier. A type is that of a destination, or routing; no label
// names an org or an address.
type metrics struct {
	escalations *prometheus.CounterVec
	deliveries  *prometheus.CounterVec
	attempts    *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	queued      *prometheus.GaugeVec
	circuits    *prometheus.GaugeVec
	deadLetters *prometheus.CounterVec
	dropped     prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Namespace: "unpark", Subsystem: "notifier", Name: name, Help: help}, labels)
	}
	m := &metrics{
		escalations: counter("escalations_total", "Escalations read, by what became of them: routed, followed (the end of an alert), told_nobody, undecodable.", "outcome"),
		deliveries:  counter("deliveries_total", "Deliveries that ended, by outcome: delivered, or the reason of the dead letter.", "type", "outcome"),
		attempts:    counter("attempts_total", "Attempts to deliver, by result: ok or a reason.", "type", "result"),
		latency: f.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "unpark", Subsystem: "notifier", Name: "delivery_seconds",
			Help:    "Time from the decision to escalate to its delivery.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 600, 3600},
		}, []string{"type"}),
		queued: f.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "unpark", Subsystem: "notifier", Name: "queue_length",
			Help: "Deliveries that wait for their destination.",
		}, []string{"type"}),
		circuits: f.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "unpark", Subsystem: "notifier", Name: "circuits_open",
			Help: "Destinations that have failed several times in a row and are only probed.",
		}, []string{"type"}),
		deadLetters: counter("dead_letters_total", "Deliveries given up, by reason.", "reason"),
		dropped: f.NewCounter(prometheus.CounterOpts{
			Namespace: "unpark", Subsystem: "notifier", Name: "dropped_in_flight_total",
			Help: "Escalations not yet in the ledger at a rebalance or a stop; they are read again.",
		}),
	}
	// A series is there before its first event, so that this is seen as a change.
	for _, reason := range reasons {
		m.deadLetters.WithLabelValues(reason)
	}
	for _, outcome := range []string{outcomeRouted, outcomeFollowed, outcomeNobody, reasonUndecodable} {
		m.escalations.WithLabelValues(outcome)
	}
	return m
}

// Outcomes of escalations that are no reasons.
const (
	outcomeRouted   = "routed"
	outcomeFollowed = "followed"
	outcomeNobody   = "told_nobody"
)
