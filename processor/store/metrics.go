package store

// Metrics tells how a Store is. Sizes are bytes; what counts events counts from
// Open.
type Metrics struct {
	// Layers is the memory of the layers: what is not in Pebble yet, and what was
	// before the newest flush.
	Layers int64
	// Flushes counts layers brought into Pebble, FlushedBytes the tables' sizes.
	Flushes, FlushedBytes int64
	// FlushSeconds is the time they took, summed up.
	FlushSeconds float64

	// The rest is Pebble's own.
	Disk              uint64 // all of its files
	MemTables         uint64
	Tombstones        uint64 // keys that are gone and not compacted away
	Compactions       int64
	Compacting        int64  // compactions that run
	CompactionDebt    uint64 // what is still to be compacted
	ReadAmplification int    // sorted runs that a read may have to look into

	CacheSize, CacheHits, CacheMisses int64 // of the block cache
	OpenIterators                     int64 // of tables
	FilterHits, FilterMisses          int64 // hits are reads that a bloom filter has spared
}

// Metrics returns how the store is now. It must not be called after Close.
func (s *Store) Metrics() Metrics {
	m := s.db.Metrics()
	return Metrics{
		Layers:            s.layerBytes.Load(),
		Flushes:           s.flushes.Load(),
		FlushedBytes:      s.flushedBytes.Load(),
		FlushSeconds:      float64(s.flushNanos.Load()) / 1e9,
		Disk:              m.DiskSpaceUsage(),
		MemTables:         m.MemTable.Size,
		Tombstones:        m.Keys.TombstoneCount,
		Compactions:       m.Compact.Count,
		Compacting:        m.Compact.NumInProgress,
		CompactionDebt:    m.Compact.EstimatedDebt,
		ReadAmplification: m.ReadAmp(),
		CacheSize:         m.BlockCache.Size,
		CacheHits:         m.BlockCache.Hits,
		CacheMisses:       m.BlockCache.Misses,
		OpenIterators:     m.TableIters,
		FilterHits:        m.Filter.Hits,
		FilterMisses:      m.Filter.Misses,
	}
}
