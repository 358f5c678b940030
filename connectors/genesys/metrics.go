package genesys

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"unpark/schemas"
)

// metrics of the verifier. An org is its id.
type metrics struct {
	calls    *prometheus.CounterVec
	requests *prometheus.CounterVec
	waiting  *prometheus.GaugeVec
	oldest   *prometheus.GaugeVec
	answers  prometheus.Histogram
	syncs    *prometheus.CounterVec
	synced   *prometheus.GaugeVec
	groups   *prometheus.GaugeVec

	reconciled   *prometheus.CounterVec
	reconciledAt *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	const namespace, subsystem = "unpark", "verifier"
	return &metrics{
		calls: f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: "calls_total",
			Help: "Calls of the Genesys API, by HTTP status, or the reason if there was no answer."}, []string{"org", "result"}),
		requests: f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: "requests_total",
			Help: "Requests answered, by urgency and outcome: observed, the reason of a check that failed, or the outcome of an action."}, []string{"urgency", "outcome"}),
		waiting: f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "waiting_requests",
			Help: "Requests that wait for the org's rate."}, []string{"org"}),
		oldest: f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "oldest_request_seconds",
			Help: "How long the oldest of them has waited."}, []string{"org"}),
		syncs: f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: "schedule_syncs_total",
			Help: "Readings of an org's schedule groups: changed, unchanged or failed."}, []string{"org", "result"}),
		synced: f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "schedules_synced_timestamp_seconds",
			Help: "When an org's schedule groups were last read."}, []string{"org"}),
		groups: f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "schedule_groups_not_taken_over",
			Help: "Schedule groups that are gone, inactive or cannot be counted in, wholly or in part; the log names them."}, []string{"org"}),
		answers: f.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: "answer_seconds",
			Help: "Time from reading a request to its answer.", Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}}),
		reconciled: f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: "reconciled_total",
			Help: "Conversations of which the daily comparison with Genesys has told what was missing: opened, completed or ended."}, []string{"org", "change"}),
		reconciledAt: f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "reconcile_last_success_timestamp_seconds",
			Help: "When the org was last compared with Genesys to the end, in seconds since the Unix epoch."}, []string{"org"}),
	}
}

// urgencies are the words of the label.
var urgencies = map[schemas.Urgency]string{
	schemas.Urgency_URGENCY_ACTION: "action", schemas.Urgency_URGENCY_BREACH: "breach", schemas.Urgency_URGENCY_WARNING: "warning",
	schemas.Urgency_URGENCY_LOOK_AHEAD: "look_ahead", schemas.Urgency_URGENCY_FOLLOW_UP: "follow_up",
}

func (m *metrics) answered(t *task, in *schemas.InputRecord, now time.Time) {
	outcome := "observed"
	if f := in.GetCheckFailed(); f != nil {
		outcome = f.Reason
	}
	if a := in.GetActionDone(); a != nil {
		outcome = a.Outcome
	}
	m.requests.WithLabelValues(urgencies[t.request.Urgency], outcome).Inc()
	m.answers.Observe(max(0, now.Sub(t.seen)).Seconds())
}
