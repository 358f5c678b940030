package stream

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"unpark/schemas"
)

// sayEvery is how often a long restore is told of in the log.
const sayEvery = 5 * time.Second

// restoreProgress tells how a restore goes on.
type restoreProgress struct {
	log       *slog.Logger
	remaining prometheus.Gauge
	to        int64 // changelog offset to come to
	begun     time.Time
	said      time.Time
	records   int
}

func (rs *restorer) newProgress(to int64) *restoreProgress {
	now := time.Now()
	p := &restoreProgress{
		log: rs.log.With(schemas.LogPartition, rs.id), remaining: rs.metrics.remaining.WithLabelValues(label(rs.id)),
		to: to, begun: now, said: now,
	}
	p.remaining.Set(float64(to - rs.pos.Changelog))
	return p
}

// applied notes that records up to the offset next have been taken in.
func (p *restoreProgress) applied(records int, next int64) {
	p.records += records
	p.remaining.Set(float64(max(0, p.to-next)))
	if time.Since(p.said) >= sayEvery {
		p.said = time.Now()
		p.say("restoring", schemas.LogRemaining, p.to-next)
	}
}

// done ends a restore that there was something to do in.
func (p *restoreProgress) done() {
	p.remaining.Set(0)
	if p.records > 0 {
		p.say("restored", schemas.LogDuration, time.Since(p.begun).Round(time.Millisecond))
	}
}

func (p *restoreProgress) say(what string, more ...any) {
	rate := float64(p.records) / max(time.Since(p.begun).Seconds(), 1e-3)
	p.log.Info(what, append(more, schemas.LogCount, p.records, schemas.LogRate, int(rate))...)
}
