package clock_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"unpark/clock"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// A led clock hurries to its limit and then passes as the wall clock does, until
// the limit is moved; it never goes back.
func TestLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lead, err := clock.NewLead(monday, 720, "")
		if err != nil {
			t.Fatal(err)
		}
		c := lead.Clock()
		shows := func(want time.Duration) {
			t.Helper()
			if got := c.Now().Sub(monday); got != want {
				t.Errorf("it shows %v after the start, want %v", got, want)
			}
		}
		time.Sleep(time.Second)
		shows(time.Second)
		until(t, lead, monday.Add(time.Hour+time.Second))
		time.Sleep(time.Second)
		shows(time.Second + 12*time.Minute)
		time.Sleep(4 * time.Second)
		shows(time.Hour + time.Second)
		until(t, lead, monday)
		time.Sleep(time.Second)
		shows(time.Hour + 2*time.Second)
		if got := c.Wall(time.Hour); got != 5*time.Second {
			t.Errorf("an hour takes %v at least, want 5s", got)
		}
	})
}

func until(t *testing.T, l *clock.Lead, at time.Time) {
	t.Helper()
	if err := l.Until(at); err != nil {
		t.Fatal(err)
	}
}

// A process that follows the file is never ahead of the lead, and goes along when
// the limit is moved, or no faster than the wall clock if the file is gone.
func TestFollow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock.json")
	if _, err := clock.Follow(file); err == nil {
		t.Error("a file that is not there is followed")
	}
	synctest.Test(t, func(t *testing.T) {
		lead, err := clock.NewLead(monday, 60, file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := clock.Follow(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			until(t, lead, monday.Add(time.Duration(i)*time.Minute))
			for range 20 {
				time.Sleep(100 * time.Millisecond)
				if a, b := c.Now(), lead.Clock().Now(); !a.Equal(b) {
					t.Fatalf("it shows %v, the lead %v", a, b)
				}
			}
		}
		if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		before := c.Now()
		time.Sleep(time.Minute)
		if got := c.Now().Sub(before); got < 59*time.Second || got > 61*time.Second {
			t.Errorf("%v passed within a minute without a file", got)
		}
	})
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := clock.Follow(file); err == nil {
		t.Error("a file that holds no time is followed")
	}
}
