package notify

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestDeadLettersAreWrittenBeforeTheySettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &deadLetters{topic: "dead-letters", log: slog.New(slog.DiscardHandler), metrics: newMetrics(prometheus.NewRegistry()), wake: make(chan struct{}, 1)}
		w := newWindow("t", 0)
		for offset := range int64(3) {
			f := w.add(&kgo.Record{Offset: offset}, time.Now())
			l.letterOfFlight(f, "org-1/bad", Permanent("refused", errors.New("no")))
		}
		tries := 0
		produce := func(_ context.Context, rs ...*kgo.Record) (results kgo.ProduceResults) {
			tries++
			for i, r := range rs {
				var err error
				switch {
				case tries == 1 && i == 0:
					err = kerr.MessageTooLarge // never written, and not tried for ever
				case tries == 1 && i == 1:
					err = kerr.UnknownTopicOrPartition
				}
				results = append(results, kgo.ProduceResult{Record: r, Err: err})
			}
			return results
		}
		ctx, cancel := context.WithCancel(t.Context())
		go l.run(ctx, produce)
		synctest.Wait()
		if o, _ := w.committable(); o.Offset != 1 || w.unsettled() != 1 {
			t.Errorf("after the first try: offset %d, %d unsettled, want 1 and 1", o.Offset, w.unsettled())
		}
		time.Sleep(burialPause)
		synctest.Wait()
		if o, _ := w.committable(); o.Offset != 3 || w.unsettled() != 0 || tries != 2 {
			t.Errorf("after the second try: offset %d, %d unsettled, %d tries, want 3, 0 and 2", o.Offset, w.unsettled(), tries)
		}
		cancel()
		synctest.Wait()
	})
}
