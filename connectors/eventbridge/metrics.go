package eventbridge

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics of the bridge. No label names an org.
type metrics struct {
	received    *prometheus.CounterVec
	produced    *prometheus.CounterVec
	deleted     *prometheus.CounterVec
	undecodable *prometheus.CounterVec
	attempts    *prometheus.CounterVec
	deadLetters *prometheus.CounterVec
	unknownOrg  *prometheus.CounterVec
	failures    *prometheus.CounterVec
	inFlight    *prometheus.GaugeVec
	lag         *prometheus.GaugeVec
}

// Operations that may fail, as labels.
const (
	opReceive = "receive"
	opDelete  = "delete"
	opExtend  = "extend"
	opProduce = "produce"
)

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Namespace: "unpark", Subsystem: "bridge", Name: name, Help: help}, append([]string{"source"}, labels...))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Namespace: "unpark", Subsystem: "bridge", Name: name, Help: help}, []string{"source"})
	}
	return &metrics{
		received:    counter("received_total", "Envelopes read, redeliveries included."),
		produced:    counter("produced_total", "Records acknowledged by Kafka."),
		deleted:     counter("deleted_total", "Messages deleted from their queue."),
		undecodable: counter("undecodable_total", "Envelopes that cannot be used, each counted once.", "reason"),
		attempts:    counter("undecodable_attempts_total", "Deliveries of envelopes that cannot be used.", "reason"),
		deadLetters: counter("dead_letters_total", "Envelopes sent to dead-letters, since their queue has no dead-letter queue.", "reason"),
		unknownOrg:  counter("unknown_org_total", "Envelopes of orgs that org-config does not hold; they are produced without attributes."),
		failures:    counter("failures_total", "Operations that failed, by operation; all are tried again.", "operation"),
		inFlight:    gauge("in_flight", "Envelopes read and neither finished nor left to their queue."),
		lag:         gauge("read_up_to_lag_seconds", "Now less the time up to which the source was last known to be read."),
	}
}

// begin has what counts a source's envelopes that cannot be used, or are of nobody's
// org, there before the first one is: who watches an increase would miss that.
func (m *metrics) begin(source string) {
	for _, reason := range Reasons() {
		m.undecodable.WithLabelValues(source, string(reason))
		m.deadLetters.WithLabelValues(source, string(reason))
	}
	m.unknownOrg.WithLabelValues(source)
}
