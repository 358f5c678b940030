package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"unpark/internal/localtest"
)

// TestQueueWithoutDeadLetterQueue sends what cannot be used to a queue that has
// no redrive policy: all of it is on dead-letters, with its reason and nothing
// personal, and good envelopes pass.
func TestQueueWithoutDeadLetterQueue(t *testing.T) {
	parallel(t)
	q := createQueue(t, localtest.SharedElasticMQ(t), "no-redrive", nil)
	d := deploy(t, localtest.SharedKafka(t), q.source())
	bodies, reasons := malformedBodies(5 * len(malformed))
	good := newStory(orgs[0], "good")
	parked(good, time.Now().Add(-5*time.Hour))
	for _, e := range good.events {
		bodies = append(bodies, e.body())
	}
	q.send(bodies)

	p := d.run("unpark")
	delivered(t, d, good.want, time.Minute)
	eventually(t, time.Minute, "the queue is empty", func() error {
		if n := q.size(); n != 0 {
			return fmt.Errorf("%d messages are left", n)
		}
		return nil
	})
	p.stop()
	p.noErrors()
	if !slices.ContainsFunc(p.lines(), func(l line) bool { return strings.Contains(l.text("msg"), "no dead-letter queue") }) {
		t.Error("nothing was logged of the missing dead-letter queue")
	}

	list := d.unpark("dlq", "list", "--config", d.folder("admin"), "--json")
	got := make(map[string]int)
	for text := range strings.Lines(list) {
		var letter struct{ Origin, Reason string }
		if err := json.Unmarshal([]byte(text), &letter); err != nil || letter.Origin != "bridge" {
			t.Errorf("dlq list prints %s (%v)", text, err)
		}
		got[letter.Reason]++
	}
	if diff := cmp.Diff(reasons, got); diff != "" {
		t.Errorf("dead letters by reason (-want +got):\n%s", diff)
	}
	for _, topic := range []string{"dead-letters", "conversation-events", "escalations"} {
		impersonal(t, d, topic)
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		if n := strings.Count(d.unpark("dlq", "list", "--config", d.folder("admin"), "--reason", reason), "\n"); n != reasons[reason] {
			t.Errorf("dlq list --reason %s prints %d lines, want %d", reason, n, reasons[reason])
		}
	}
}

// impersonal looks for what is personal in everything that a topic holds.
func impersonal(t *testing.T, d *deployment, topic string) {
	t.Helper()
	for _, r := range follow(d, topic).all() {
		text := fmt.Sprintf("%s %s %s", r.Key, r.Value, r.Headers)
		if strings.Contains(text, customerAddress) || strings.Contains(text, subjectLine) {
			t.Errorf("%s holds something personal: %q", topic, text)
		}
	}
}
