package e2e

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"unpark/internal/localtest"
)

// TestFiftyThousand sends 50,000 envelopes, 1 % of them duplicates, 1 % malformed
// and 5 % out of order, and reads what became of them: exactly the escalations
// that follow from the stories, told once each, and every malformed one in the
// queue's dead-letter queue. Bridge, processor and notifier are processes of
// their own.
//
// Nothing reads the queue before the last of its messages has waited for a while,
// and by then much has fallen due by the clock: of some conversations only the
// very last messages say that they were over hours before. The processor runs all
// the time, so that only the progress of the source keeps it from raising a false
// alarm.
func TestFiftyThousand(t *testing.T) {
	parallel(t)
	broker, sqs := localtest.SharedKafka(t), localtest.SharedElasticMQ(t)
	dead := createQueue(t, sqs, "fifty-thousand-dead", nil)
	q := createQueue(t, sqs, "fifty-thousand", dead)
	d := deploy(t, broker, q.source())
	log := follow(d, "escalations")
	processor, notifier := d.run("processor", "processor"), d.run("notifier", "notifier")

	p := newPlay(50_000)
	p.fill(t, q)
	processor.ready()
	notifier.ready()
	until(t, p.ripe)

	bridge := d.run("bridge", "bridge")
	begun := time.Now()
	eventually(t, 2*time.Minute, "the queue is carried over", func() error {
		return bridge.atLeast("unpark_bridge_produced_total", p.usable())
	})
	carried := time.Since(begun)
	t.Logf("the bridge carried %d envelopes in %v, %.0f/s", p.usable(), carried.Round(time.Millisecond), float64(p.usable())/carried.Seconds())
	delivered(t, d, p.want(), 2*time.Minute)
	t.Logf("told everything %v after the bridge began", time.Since(begun).Round(time.Millisecond))

	p.epilogue(q)
	delivered(t, d, p.want(), time.Minute)
	eventually(t, time.Minute, "the queue is empty", func() error {
		if n := q.size(); n != 0 {
			return fmt.Errorf("%d messages are left", n)
		}
		return nil
	})
	accounted(t, p, bridge, dead)
	for _, one := range []*process{bridge, processor, notifier} {
		one.stop()
		one.noErrors()
	}

	if diff := cmp.Diff(sorted(p.want()), sorted(log.escalations())); diff != "" {
		t.Errorf("on the topic (-want +got):\n%.4000s", diff)
	}
	if diff := cmp.Diff(sorted(p.want()), sorted(d.told.posted())); diff != "" {
		t.Errorf("at the webhook (-want +got):\n%.4000s", diff)
	}
	exact := p.checkLines(t, d.told.said())
	t.Logf("%d escalations, %d of them told to Slack word for word as expected", len(p.want()), exact)
	if letters := d.unpark("dlq", "list", "--config", d.folder("admin"), "--json"); letters != "" {
		t.Errorf("dead-letters holds\n%s", letters)
	}
}

// delivered waits until both destinations have been told as much as want holds.
func delivered(t *testing.T, d *deployment, want []escalation, within time.Duration) {
	t.Helper()
	err := poll(t, time.Now().Add(within), func() error {
		if slack, hook := len(d.told.said()), len(d.told.posted()); slack < len(want) || hook < len(want) {
			return fmt.Errorf("%d told to Slack and %d to the webhook of %d", slack, hook, len(want))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("not everything is told after %v: %v\n(-want +got):\n%.4000s", within, err, cmp.Diff(sorted(want), sorted(d.told.posted())))
	}
}

// accounted finds every malformed message again: counted under its reason, and as
// it was in the dead-letter queue.
func accounted(t *testing.T, p *play, bridge *process, dead *queue) {
	t.Helper()
	counted := bridge.metricBy("unpark_bridge_undecodable_total", "reason")
	maps.DeleteFunc(counted, func(_ string, n int) bool { return n == 0 })
	if diff := cmp.Diff(p.reasons, counted); diff != "" {
		t.Errorf("unusable envelopes, by reason (-want +got):\n%s", diff)
	}
	if n := dead.size(); n != len(p.malformed) {
		t.Fatalf("the dead-letter queue holds %d messages, want %d", n, len(p.malformed))
	}
	var want []string
	for _, body := range p.malformed {
		want = append(want, string(body))
	}
	if lost := uneven(counts(dead.take(len(want))), counts(want)); len(lost) > 0 {
		t.Errorf("the dead-letter queue does not hold what was malformed:\n%s", strings.Join(lost, "\n"))
	}
}

// checkLines compares what people read: a line for each escalation, and word for
// word where the test knows all of it. It returns how many those are.
func (p *play) checkLines(t *testing.T, said []string) (exact int) {
	t.Helper()
	var got, want []string
	for _, text := range said {
		got = append(got, told(text))
	}
	for _, e := range p.want() {
		want = append(want, e.told())
	}
	if diff := uneven(counts(got), counts(want)); len(diff) > 0 {
		t.Errorf("told to Slack:\n%s", strings.Join(diff, "\n"))
	}
	first := counts(firstLines(said))
	for _, s := range p.stories {
		if !strings.HasPrefix(s.id, "waiting-") {
			continue
		}
		if exact++; first[s.line()] != 1 {
			t.Errorf("nobody read %q", s.line())
		}
	}
	return exact
}

func firstLines(texts []string) []string {
	var lines []string
	for _, text := range texts {
		line, _, _ := strings.Cut(text, "\n")
		lines = append(lines, line)
	}
	return lines
}
