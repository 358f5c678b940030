package genesys

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"unpark/clock"
	"unpark/schemas"
)

func openForAnHour() *schemas.ConversationState {
	return &schemas.ConversationState{Episode: &schemas.Episode{Opened: true, FirstStart: &schemas.Fact{AtMs: time.Now().Add(-time.Hour).UnixMilli()}}}
}

// The daily comparison passes over what it may not look at, logs why, and is done.
func TestDailyLogsWhatIsUnseen(t *testing.T) {
	monday14(t, func(t *testing.T) {
		tw := newTwin()
		tw.answer(detailsQuery, 200, `{}`)
		tw.answer("/", http.StatusForbidden, `{}`)
		f, log := newFilling(tw), &diary{}
		for _, id := range []string{"away", "gone"} {
			f.known[id] = openForAnHour()
		}
		tw.answer("GET /api/v2/conversations/gone", http.StatusNotFound, `{}`)
		tw.answer("GET /api/v2/analytics/conversations/gone/details", http.StatusNotFound, `{}`)
		o := newOffice(t.Context(), officeDeps{
			Clock: clock.Real(), Log: slog.New(slog.NewTextHandler(log, nil)), Configs: rulesOf{"o": connected(300)}, Resolve: resolveTest, Transport: tw,
			Produce: f.Produce, States: func(ctx context.Context, _ string) (map[string][]byte, error) { return f.States(ctx) },
		}, newMetrics(prometheus.NewRegistry()))
		o.reconcile("o")
		if got := log.String(); !strings.Contains(got, "conversation=away reason=forbidden") || !strings.Contains(got, "unseen=1") {
			t.Errorf("logged %s", got)
		}
		if n := testutil.CollectAndCount(o.metrics.reconciled); n != 0 {
			t.Error("it is counted as changed")
		}
		if testutil.ToFloat64(o.metrics.reconciledAt.WithLabelValues("o")) == 0 {
			t.Error("the comparison has not succeeded")
		}
	})
}

// A comparison for which an org leaves no room for a day is not begun again beside
// itself; when the last one was is not told of an org that is not ours.
func TestOneComparisonAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		tw := newTwin()
		tw.answer(detailsQuery, 200, `{}`)
		var owned atomic.Bool
		owned.Store(true)
		var at, most atomic.Int32
		states := func(context.Context, string) (map[string][]byte, error) {
			most.Store(max(most.Load(), at.Add(1)))
			defer at.Add(-1)
			time.Sleep(time.Minute)
			return nil, nil
		}
		o := newOffice(ctx, officeDeps{
			Clock: clock.Real(), Log: slog.New(slog.DiscardHandler), Configs: rulesOf{"o": connected(300)}, Resolve: resolveTest, Transport: tw,
			States: states, Owns: func(string) bool { return owned.Load() },
		}, newMetrics(prometheus.NewRegistry()))
		var running sync.WaitGroup
		running.Go(o.run)
		defer running.Wait()
		defer stop()
		_, client := o.desk("o").configured()
		client.pace.count(1) // somebody always waits for a call
		time.Sleep(roundEvery + 2*firstRoundWithin)
		client.pace.count(-1)
		time.Sleep(10 * time.Minute)
		if n := most.Load(); n != 1 {
			t.Errorf("%d comparisons at once", n)
		}
		if n := testutil.CollectAndCount(o.metrics.reconciledAt); n != 1 {
			t.Errorf("%d orgs were compared to the end, want one", n)
		}
		owned.Store(false)
		time.Sleep(2 * time.Minute)
		if n := testutil.CollectAndCount(o.metrics.reconciledAt); n != 0 {
			t.Error("it is told when another process's org was compared")
		}
	})
}
