package notify

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"unpark/schemas"
)

// A new group begins at the start of the topic, where there are alerts that were told,
// ended and forgotten: they are told again neither then nor later. What stands is told.
func TestNewGroupMeetsThePast(t *testing.T) {
	f := newField(t, 1)
	before := time.Now().Add(-72 * time.Hour)
	f.sayAt(before, schemas.StatusRaised, good, 0, 1500)
	f.sayAt(before, schemas.StatusCleared, good, 1, 1500)
	f.start(Config{})
	f.until("all is read", func() bool { return f.committed() == 2999 })
	f.until("what stands is told", func() bool { return len(f.takenBy("good")) > 0 })
	f.escalate(good, 1500, 1501)
	f.until("what is new is told", func() bool { return slices.Contains(f.takenBy("good"), "c-1500") })
	if diff := cmp.Diff([]string{"c-0", "c-1500"}, f.takenBy("good")); diff != "" {
		t.Error(diff)
	}
}

// Who takes over from a notifier that was still reading of the past does not know their ends
// either.
func TestRestartInThePast(t *testing.T) {
	f := newField(t, 1)
	before, config := time.Now().Add(-72*time.Hour), Config{CommitInterval: schemas.Duration(time.Second)}
	f.sayAt(before, schemas.StatusRaised, good, 0, 10)
	_, stop := f.start(config)
	f.until("what was raised is read", func() bool { return f.committed() == 10 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	f.sayAt(before, schemas.StatusCleared, good, 0, 9)
	f.start(config)
	f.escalate(good, 10, 11)
	f.until("what stands is told, and what is new", func() bool {
		told := f.takenBy("good")
		return slices.Contains(told, "c-9") && slices.Contains(told, "c-10")
	})
	if told := f.takenBy("good"); len(told) != 2 {
		t.Errorf("told %v", told)
	}
}
