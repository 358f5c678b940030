package simulator

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What people do is told as it happens, what an action through the API brings
// about too; events that are delayed are late and say when it was.
func TestHappenings(t *testing.T) {
	var got []string
	f := newField(t, func(c *Config) {
		c.Happened = func(h Happening) {
			got = append(got, fmt.Sprint(h.At.Sub(monday).Truncate(time.Minute), " ", h.What, " ", h.User != "", " ", h.Queue != ""))
		}
	})
	f.Open(Opening{At: monday, ID: "c-1", Media: Message, Story: "told"}, func(s *Script) {
		s.Wait(10 * time.Minute)
		s.Take()
		s.Wait(time.Minute)
		s.Answer()
		s.Wait(time.Minute)
		s.Park()
		s.Wait(time.Minute)
		s.Write()
		s.Wait(time.Minute)
		s.Transfer()
		s.Wait(time.Minute)
		s.Delay(time.Hour)
		s.Leave()
	})
	f.Advance(monday.Add(time.Hour))
	want := []string{
		"0s arrives false true", "10m0s takes true true", "11m0s answers true true", "12m0s parks true true",
		"13m0s writes false true", "14m0s transfers true true", "15m0s delayed false false", "15m0s leaves false false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("happenings (-want +got):\n%s", diff)
	}
	ends := func(by time.Duration) (n int) {
		return len(slices.DeleteFunc(events(t, f.Deliver(monday.Add(by))), func(e event) bool {
			return e.topic() != "customer.end" || e.at() != monday.Add(15*time.Minute).UnixMilli()
		}))
	}
	if early, late := ends(time.Hour), ends(2*time.Hour); early != 0 || late != 1 {
		t.Errorf("the customer's end was delivered %d times within the hour and %d times after, want 0 and 1", early, late)
	}
}
