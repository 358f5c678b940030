package stream

import (
	"github.com/prometheus/client_golang/prometheus"

	"unpark/processor/store"
)

// storeCollector tells Prometheus how the store is, whenever it asks.
type storeCollector struct {
	store *store.Store
	descs []storeMetric
}

type storeMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(store.Metrics) float64
}

func newStoreCollector(s *store.Store) *storeCollector {
	c := &storeCollector{store: s}
	add := func(kind prometheus.ValueType, name, help string, value func(store.Metrics) float64) {
		c.descs = append(c.descs, storeMetric{prometheus.NewDesc("unpark_store_"+name, help, nil, nil), kind, value})
	}
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	add(gauge, "layer_bytes", "Memory of committed state in front of Pebble: not flushed, or flushed last and kept to read from.",
		func(m store.Metrics) float64 { return float64(m.Layers) })
	add(counter, "flushes_total", "Layers brought into Pebble.", func(m store.Metrics) float64 { return float64(m.Flushes) })
	add(counter, "flushed_bytes_total", "Size of the tables they were written as.", func(m store.Metrics) float64 { return float64(m.FlushedBytes) })
	add(counter, "flush_seconds_total", "Time that flushes took; they run beside the loop.", func(m store.Metrics) float64 { return m.FlushSeconds })
	add(gauge, "disk_bytes", "Size of all of Pebble's files.", func(m store.Metrics) float64 { return float64(m.Disk) })
	add(gauge, "memtable_bytes", "Memory of Pebble's memtables, which are not used for state.", func(m store.Metrics) float64 { return float64(m.MemTables) })
	add(gauge, "tombstones", "Removed keys that Pebble has not compacted away yet.", func(m store.Metrics) float64 { return float64(m.Tombstones) })
	add(counter, "compactions_total", "Pebble's compactions.", func(m store.Metrics) float64 { return float64(m.Compactions) })
	add(gauge, "compactions_running", "Compactions that Pebble does now.", func(m store.Metrics) float64 { return float64(m.Compacting) })
	add(gauge, "compaction_debt_bytes", "What Pebble still has to compact; it grows if the disk cannot keep up.",
		func(m store.Metrics) float64 { return float64(m.CompactionDebt) })
	add(gauge, "read_amplification", "Sorted runs that a read of Pebble may have to look into.", func(m store.Metrics) float64 { return float64(m.ReadAmplification) })
	add(gauge, "cache_bytes", "Size of Pebble's block cache.", func(m store.Metrics) float64 { return float64(m.CacheSize) })
	add(counter, "cache_hits_total", "Blocks found in the cache.", func(m store.Metrics) float64 { return float64(m.CacheHits) })
	add(counter, "cache_misses_total", "Blocks read from disk.", func(m store.Metrics) float64 { return float64(m.CacheMisses) })
	add(gauge, "open_iterators", "Iterators of Pebble's tables that are open; one that stays open keeps its table on disk.",
		func(m store.Metrics) float64 { return float64(m.OpenIterators) })
	add(counter, "filter_hits_total", "Tables that a bloom filter has spared a read.", func(m store.Metrics) float64 { return float64(m.FilterHits) })
	add(counter, "filter_misses_total", "Tables that were looked into after asking their bloom filter.", func(m store.Metrics) float64 { return float64(m.FilterMisses) })
	return c
}

// Describe implements prometheus.Collector.
func (c *storeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d.desc
	}
}

// Collect implements prometheus.Collector.
func (c *storeCollector) Collect(ch chan<- prometheus.Metric) {
	m := c.store.Metrics()
	for _, d := range c.descs {
		ch <- prometheus.MustNewConstMetric(d.desc, d.kind, d.value(m))
	}
}
