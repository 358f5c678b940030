package stream

import (
	"strings"
	"testing"

	"unpark/schemas"
)

// What follows from a record is more than its topic takes: the input becomes a dead
// letter in the same transaction, and the partition goes on.
func TestRunnersTooLarge(t *testing.T) {
	for _, topic := range []schemas.Topic{schemas.SLAChangelog, schemas.Escalations} {
		k := newKafka(t, 1)
		k.alter(topic, "max.message.bytes", "20000")
		p := k.start(k.config("a", t.TempDir()))
		want := k.echo(1, 0, 5)
		large := eventInput("large", 0)
		large.GetEvent().Direction, large.GetEvent().DivisionId = padDirection, strings.Repeat("x", 30_000)
		k.produce(0, encode(large))
		want = append(want, k.echo(1, 5, 5)...)
		k.waitEscalations(want)
		p.stop()
		k.checkEscalations(want)
		letters := k.read(schemas.DeadLetters)
		if len(letters) != 1 {
			t.Fatalf("%s: %d dead letters, want 1", topic.Suffix, len(letters))
		}
		for _, h := range letters[0].Headers {
			if h.Key == schemas.HeaderReason && string(h.Value) != reasonTooLarge {
				t.Errorf("%s: dead letter for reason %s", topic.Suffix, h.Value)
			}
		}
		if n := value(t, p.runners.metrics.aborts.WithLabelValues(abortProduce)); n != 0 {
			t.Errorf("%s: %v transactions were aborted for it", topic.Suffix, n)
		}
	}
}
