package processor

import (
	"slices"

	"unpark/processor/stream"
	"unpark/schemas"
)

const (
	sourceVersion = 1
	// A tier whose sources lag is looked at again after as long as they lag,
	// within these bounds (milliseconds).
	minRetry, maxRetry = 1_000, 30_000
	// reportInterval is how often a bridge tells of its progress.
	reportInterval = 5_000
	// keptReports is how many bridges that stand still are known not to make progress
	// between them.
	keptReports = 8
)

// carries remembers that source carries events of the org.
func (h *Handler) carries(tx stream.Tx, org, source string) error {
	if source == "" {
		return nil
	}
	entry, err := h.org(tx, org)
	if err != nil {
		return err
	}
	i, known := slices.BinarySearch(entry.value.Sources, source)
	if known {
		return nil
	}
	st := entry.write()
	st.Sources = slices.Insert(st.Sources, i, source)
	src, err := h.sources.get(tx, schemas.SourceKey(source))
	if err == nil && src.value == nil {
		src.write().Version = sourceVersion
		setProgressed(src.value, tx)
	}
	return err
}

// progressed notes how far a bridge has read a source. Bridges that read one source
// and stand still at different places tell these in turn, so that the source seems to
// get on each time: what was told before is no progress.
func (h *Handler) progressed(tx stream.Tx, p *schemas.SourceProgress) error {
	entry, err := h.sources.get(tx, schemas.SourceKey(p.Source))
	if err != nil {
		return err
	}
	src := entry.write()
	before := src.ReadUpToMs
	src.Version, src.ReadUpToMs = sourceVersion, p.ReadUpToMs
	if slices.Contains(src.ReportedMs, p.ReadUpToMs) {
		return nil
	}
	if extra := len(src.ReportedMs) + 1 - keptReports; extra > 0 {
		src.ReportedMs = slices.Delete(src.ReportedMs, 0, extra)
	}
	src.ReportedMs = append(src.ReportedMs, p.ReadUpToMs)
	if p.ReadUpToMs > before {
		setProgressed(src, tx)
	}
	return nil
}

func setProgressed(src *schemas.SourceState, tx stream.Tx) {
	src.ProgressedAtMs, src.ProgressedTickedMs = tx.Now(), tx.Ticked()
}

// held reports whether what is due waits for a source of the org to be read up
// to then, and when to look again. How long it waits at most is counted in ticks: an
// outage gave nobody the time to read a backlog.
func (h *Handler) held(tx stream.Tx, org string, due, hold int64) (retry int64, held bool, err error) {
	entry, err := h.org(tx, org)
	if err != nil || entry.value == nil {
		return 0, false, err
	}
	for _, name := range entry.value.Sources {
		src, err := h.sources.get(tx, schemas.SourceKey(name))
		if err != nil {
			return 0, false, err
		}
		s := src.value
		if s == nil || s.ReadUpToMs >= due {
			continue
		}
		if s.ProgressedAtMs == 0 {
			// Known since before the first tick, when there was no time to count from.
			s = src.write()
			setProgressed(s, tx)
		}
		// An older binary moves progressed_at_ms alone: what had ticked by then is no less
		// than that without all pauses.
		since := max(s.ProgressedTickedMs, s.ProgressedAtMs-(tx.Now()-tx.Ticked()))
		left := since + hold - tx.Ticked()
		if left <= 0 {
			continue
		}
		retry, held = max(retry, lookAgain(tx.Now(), due, s.ReadUpToMs, left)), true
	}
	return retry, held, nil
}

// lookAgain is when to look again at what is due and waits for a source: after the first
// report that a bridge which keeps up makes after due, or after as long as it lags.
func lookAgain(now, due, readUpTo, left int64) int64 {
	lag := due - readUpTo
	report := readUpTo + (lag+reportInterval-1)/reportInterval*reportInterval + minRetry
	if due > now {
		return report
	}
	if readUpTo == 0 {
		lag = reportInterval // nothing was heard of it yet
	}
	return min(max(report, now+min(max(lag, minRetry), maxRetry)), now+left)
}
