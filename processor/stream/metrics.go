package stream

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Reasons of an aborted transaction.
const (
	abortProduce   = "produce"
	abortRebalance = "rebalance"
	abortSuspend   = "suspend"
	abortNothing   = "nothing" // all records were of partitions that do not run
	abortError     = "error"
)

type metrics struct {
	records      prometheus.Counter
	ignoredTicks prometheus.Counter
	deadLetters  prometheus.Counter
	transactions *prometheus.CounterVec // outcome
	aborts       *prometheus.CounterVec // reason
	commit       prometheus.Histogram
	rebuilds     prometheus.Counter
	restored     prometheus.Counter
	fullRestores prometheus.Counter
	lost         prometheus.Counter
	ticks        *prometheus.CounterVec // outcome
	behind       *prometheus.GaugeVec   // partition
	overdue      *prometheus.GaugeVec   // partition
	lag          *prometheus.GaugeVec   // partition
	suspended    *prometheus.GaugeVec   // partition
	backlog      *prometheus.GaugeVec   // partition
	overlay      *prometheus.GaugeVec   // partition
	remaining    *prometheus.GaugeVec   // partition
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: "unpark_stream_" + name, Help: help}
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "unpark_stream_" + name, Help: help}, []string{"partition"})
	}
	m := &metrics{
		records:      prometheus.NewCounter(counter("records_total", "Input records applied and committed.")),
		ignoredTicks: prometheus.NewCounter(counter("ignored_ticks_total", "Ticks whose append time is more than 5 minutes off their owner's clock.")),
		deadLetters:  prometheus.NewCounter(counter("dead_letters_total", "Input records that were given up.")),
		transactions: prometheus.NewCounterVec(counter("transactions_total", "Transactions ended."), []string{"outcome"}),
		aborts:       prometheus.NewCounterVec(counter("aborts_total", "Transactions aborted."), []string{"reason"}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "unpark_stream_commit_seconds", Help: "Time from the first record of a transaction to its commit.",
			Buckets: prometheus.ExponentialBuckets(0.002, 2, 13),
		}),
		rebuilds:     prometheus.NewCounter(counter("rebuilds_total", "Sessions thrown away after an error.")),
		restored:     prometheus.NewCounter(counter("restored_records_total", "Changelog records read to restore state.")),
		fullRestores: prometheus.NewCounter(counter("full_restores_total", "Partitions restored from the start of the changelog.")),
		lost:         prometheus.NewCounter(counter("lost_records_total", "Input records deleted by retention before they were read.")),
		ticks:        prometheus.NewCounterVec(counter("ticks_total", "Ticks appended."), []string{"outcome"}),
		behind:       gauge("behind_seconds", "How far the partition's time is behind the clock."),
		overdue:      gauge("overdue_seconds", "How long the first unhandled deadline has been due."),
		lag:          gauge("lag_records", "Input records not yet applied."),
		suspended:    gauge("suspended", "1 if the partition is suspended after an error."),
		backlog:      gauge("due_backlog", "Entries of the deadline index that are due and not handled, counted every ten seconds and up to 10,000."),
		overlay:      gauge("overlay_bytes", "What the newest transaction has written to the changelog, keys and values."),
		remaining:    gauge("restore_remaining_records", "Changelog records to the end of the restore under way."),
	}
	for _, c := range []prometheus.Collector{
		m.records, m.ignoredTicks, m.deadLetters, m.transactions, m.aborts, m.commit, m.rebuilds, m.restored,
		m.fullRestores, m.lost, m.ticks, m.behind, m.overdue, m.lag, m.suspended,
		m.backlog, m.overlay, m.remaining,
	} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	m.zero()
	return m, nil
}

// zero makes every series that may come known from the start, so that a first
// abort is seen as a change.
func (m *metrics) zero() {
	for _, outcome := range []string{"committed", "aborted", "unknown"} {
		m.transactions.WithLabelValues(outcome)
	}
	for _, reason := range []string{abortNothing, abortSuspend, abortProduce, abortError, abortRebalance} {
		m.aborts.WithLabelValues(reason)
	}
	for _, outcome := range []string{"appended", "failed"} {
		m.ticks.WithLabelValues(outcome)
	}
}

// label is how the metrics name a partition.
func label(partition int32) string { return strconv.Itoa(int(partition)) }

// forget drops the partition's gauges.
func (m *metrics) forget(partition int32) {
	label := label(partition)
	for _, g := range []*prometheus.GaugeVec{m.behind, m.overdue, m.lag, m.suspended, m.backlog, m.overlay, m.remaining} {
		g.DeleteLabelValues(label)
	}
}

// count adds what a committed transaction did.
func (m *metrics) count(before, after Stats) {
	m.records.Add(float64(after.Records - before.Records))
	m.ignoredTicks.Add(float64(after.IgnoredTicks - before.IgnoredTicks))
	m.deadLetters.Add(float64(after.DeadLetters - before.DeadLetters))
}
