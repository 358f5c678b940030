package notify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"unpark/schemas"
)

// The end of an alert goes to where it was told, whatever the route is called by then, and
// is a dead letter if nothing leads there any more.
func TestRouteIsGoneBeforeTheEnd(t *testing.T) {
	for name, newest := range map[string]string{
		"renamed": strings.ReplaceAll(fieldRules, `"good":[`, `"better":[`),
		"removed": `{"id":"org-1","routes":{"bad":[{"webhook":{"url":"https://bad"}}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newField(t, 1)
			_, stop := f.start(Config{})
			f.escalate(good, 0, 1)
			f.until("it is told", func() bool { return len(f.takenBy("good")) == 1 && f.committed() == 1 })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			f.configs.change("org-1", newest)
			f.start(Config{})
			f.say(schemas.StatusCleared, good, 0, 1)
			if name == "renamed" {
				f.until("its end is told", func() bool { return len(f.takenBy("good")) == 2 })
			} else if r := f.letters(1)[0]; header(r, schemas.HeaderReason) != reasonUnknownRoute {
				t.Errorf("a dead letter for %q", header(r, schemas.HeaderReason))
			}
		})
	}
}

// A destination that failed and is another one by now fails no more, and one that is used
// in another way is used so.
func TestDestinationIsChanged(t *testing.T) {
	f := newField(t, 1)
	f.answer(down)
	d, _ := f.start(Config{})
	f.escalate(both, 0, 1)
	f.until("its circuit is open", func() bool { return len(d.Notes()) == 1 })
	f.configs.change("org-1", strings.NewReplacer("https://bad", "https://better", `"https://good"}`, `"https://good"},"every":"1ms"`).Replace(fieldRules))
	f.until("it is told at its new address", func() bool { return len(f.takenBy("better")) == 1 })
	f.until("nothing fails", func() bool {
		return len(d.Notes()) == 0 && testutil.ToFloat64(d.metrics.circuits.WithLabelValues("webhook")) == 0
	})
	f.until("the other is built anew", func() bool {
		f.escalate(good, len(f.takenBy("good")), len(f.takenBy("good"))+1)
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.built["good"] == 2
	})
}

// What waits for a destination that asked to be left alone goes at once to where the rules
// say it is by now.
func TestDestinationIsChangedWhileItRests(t *testing.T) {
	f := newField(t, 1)
	f.answer(func(context.Context, Message) error {
		return &Error{Reason: "http_429", RetryAfter: time.Hour, Err: errors.New("slow down")}
	})
	f.start(Config{})
	f.escalate(bad, 0, 2)
	f.until("it rests", func() bool { return strings.Contains(f.logs.String(), "http_429") && f.committed() == 2 })
	f.configs.change("org-1", strings.ReplaceAll(fieldRules, "https://bad", "https://better"))
	f.until("both are told", func() bool { return len(f.takenBy("better")) == 2 })
	if diff := cmp.Diff(conversations(0, 2), f.takenBy("better")); diff != "" {
		t.Error(diff)
	}
}
