package e2e

import (
	"os"
	"testing"
	"time"

	"unpark/connectors/genesys/simulator"
)

// A working week on a real Kafka, told as it was: nobody who waited too long is
// missed, nobody else is told of, each once, in time, and taken back or cleared as
// it went on. In time is by the log: at the second tick at the latest after the
// grace, the bridge's word and the answer to the look. make week-kafka has 2,000
// conversations in five days, with WEEK=short it is a morning, and in make test as much
// of one as it takes until breaches have come and some are over.
func TestWeek(t *testing.T) {
	length := weekly(t)
	long := length == "long"
	each, start, opening, lasts := 25, weekStart.Add(3*time.Hour), time.Hour, 5*time.Hour+15*time.Minute
	switch length {
	case "long":
		each, start, opening, lasts = 667, weekStart, 4*24*time.Hour+12*time.Hour, 5*24*time.Hour
	case "short":
		opening, lasts = 3*time.Hour, 7*time.Hour+30*time.Minute
	}
	w := newWeek(t, 3, start, "dry_run", func(i int, c *simulator.Config) { c.MultiAction = i == 1 })
	for _, o := range w.orgs {
		if !long {
			o.Zone = nil // in office hours hardly anything would be due before the end
		}
		o.Populate(each, start.Add(time.Minute), start.Add(opening), simulator.Stories())
	}
	end := start.Add(lasts)
	w.play(end, nil)
	l := w.read(end)
	r := w.compare(l, 30*time.Minute)
	t.Logf("%+v; %d of %d looks were answered too late or not at all", r, l.failed(), l.asked())
	if r.Due < each/2 || r.Cleared == 0 {
		t.Errorf("too little happened: %+v", r)
	}
}

// weekly says how long a week is to be: long, short (make week-kafka), or nothing, in
// make test.
func weekly(t *testing.T) (length string) {
	t.Helper()
	parallel(t)
	return os.Getenv("UNPARK_WEEK")
}

func (l *weekLog) asked() (n int) {
	for _, asks := range l.asks {
		n += len(asks)
	}
	return n
}

func (l *weekLog) failed() (n int) {
	for _, asks := range l.asks {
		for _, a := range asks {
			if a.Failed || a.Answered.IsZero() {
				n++
			}
		}
	}
	return n
}
