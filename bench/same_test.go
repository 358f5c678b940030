package bench

import (
	"testing"
	"time"
)

// TestSameEscalations has the processor and its Kafka Streams peer work the same
// small log on a real broker, side by side, and compares all that they tell.
func TestSameEscalations(t *testing.T) {
	a := newArena(t, day(20_000), []string{"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"})
	ours, peer := a.ours(2), a.peer(2)
	for _, c := range []*contender{ours, peer} {
		c.follow(50*time.Millisecond, func(int64) {})
	}
	want, got := ours.stop(), peer.stop()
	same(t, "unpark and Kafka Streams", want, got)
	counts := want.count(t)
	t.Logf("%d events: %v", a.events, counts)
	for _, what := range []string{"raised warning", "raised breach", "cleared warning", "cleared breach", "retracted warning", "retracted breach"} {
		if counts[what] == 0 {
			t.Errorf("nothing is %s: the log does not try it", what)
		}
	}
}
