package stream

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"unpark/schemas"
)

// While events keep coming, a transaction gathers for its whole interval; but a tick
// comes within it, and one that has told something ends it.
func TestRunnersTellAtOnce(t *testing.T) {
	k := newFake(t, 1)
	cfg := k.config("a", t.TempDir())
	cfg.CommitInterval = transactionTimeout / 2
	p := k.start(cfg)
	p.waitReady()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var producing sync.WaitGroup
	producing.Go(func() {
		pace := time.NewTicker(5 * time.Millisecond)
		defer pace.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			k.produce(0, encode(eventInput(fmt.Sprintf("patient%d", i), time.Now().Add(time.Hour).UnixMilli())))
			<-pace.C
		}
	})
	due := time.Now().UnixMilli()
	k.produce(0, encode(eventInput("due", due)))
	waitFor(t, "the escalation", func() error {
		if n := len(k.values(schemas.Escalations)); n != 1 {
			return fmt.Errorf("%d of 1", n)
		}
		return nil
	})
	stop()
	producing.Wait()
	p.stop()
	ticks := make(map[int64]int64) // offsets, by time
	for _, rec := range k.read(schemas.ConversationEvents) {
		in := new(schemas.InputRecord)
		if err := in.UnmarshalVT(rec.Value); err != nil {
			t.Fatal(err)
		}
		if in.GetTick() != nil {
			ticks[rec.Timestamp.UnixMilli()] = rec.Offset
		}
	}
	for _, rec := range k.read(schemas.SLAChangelog) {
		if string(rec.Key) != string(schemas.MetaKey) {
			continue
		}
		meta, err := decodeMeta(rec.Value)
		if err != nil {
			t.Fatal(err)
		}
		if meta.NowMs < due {
			continue
		}
		// In the whole interval there would be a thousand.
		if more := meta.InputPosition - ticks[meta.NowMs]; more > 200 {
			t.Errorf("the transaction that told went on for %d records after its tick", more)
		}
		return
	}
	t.Error("no transaction told anything")
}
