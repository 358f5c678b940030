package simulator

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWaits tells who waited, in minutes since the beginning.
func TestWaits(t *testing.T) {
	taken := func(s *Script) { s.Work(time.Minute); s.Take(); s.Wait(time.Minute) }
	for name, c := range map[string]struct {
		opening Opening
		play    func(*Script)
		want    []string
	}{
		"nobody answers":          {Opening{}, taken, []string{"0 on"}},
		"parked is no answer":     {Opening{}, parked, []string{"0 on"}},
		"a bot answers nobody":    {Opening{}, func(s *Script) { s.Wait(time.Minute); s.Bot() }, []string{"0 on"}},
		"a fumble answers nobody": {Opening{}, func(s *Script) { taken(s); s.Fumble() }, []string{"0 on"}},
		"answered":                {Opening{}, func(s *Script) { taken(s); s.Answer() }, []string{"0 32 answered"}},
		"asked twice": {Opening{}, func(s *Script) { taken(s); s.Write(); s.Wait(time.Minute); s.Answer() },
			[]string{"0 33 answered"}},
		"asked again": {Opening{}, func(s *Script) { taken(s); s.Answer(); s.Park(); s.Wait(time.Hour); s.Write() },
			[]string{"0 32 answered", "92 on"}},
		"left": {Opening{}, func(s *Script) { taken(s); s.Leave() }, []string{"0 32 left"}},
		"came back": {Opening{}, func(s *Script) { taken(s); s.Leave(); s.Wait(time.Hour); s.Write() },
			[]string{"0 32 left", "92 on, episode 1"}},
		"written to":   {Opening{Outbound: true}, func(s *Script) { s.Wait(time.Hour); s.Write() }, []string{"60 on"}},
		"nobody there": {Opening{}, func(s *Script) { s.Answer(); s.Park() }, []string{"0 on"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newField(t, nil)
			c.opening.At, c.opening.Media = monday, Message
			f.Open(c.opening, c.play)
			f.Advance(monday.Add(24 * time.Hour))
			var got []string
			for _, w := range f.Truth()[0].Waits() {
				got = append(got, waited(w))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func waited(w Wait) string {
	s := fmt.Sprintf("%.0f", w.From.Sub(monday).Minutes())
	switch {
	case w.Until.IsZero():
		s += " on"
	case w.Answered:
		s += fmt.Sprintf(" %.0f answered", w.Until.Sub(monday).Minutes())
	default:
		s += fmt.Sprintf(" %.0f left", w.Until.Sub(monday).Minutes())
	}
	if w.Episode > 0 {
		s += fmt.Sprint(", episode ", w.Episode)
	}
	return s
}

// TestNobodyWorksAtNight has a mail of Friday evening answered on Monday.
func TestNobodyWorksAtNight(t *testing.T) {
	f := newField(t, func(c *Config) { c.Zone = time.FixedZone("east", 2*60*60) })
	friday := time.Date(2026, 3, 6, 14, 50, 0, 0, time.UTC) // ten minutes before they go
	f.Open(Opening{At: friday, Media: Message}, func(s *Script) {
		s.Work(time.Minute)
		s.Take()
		s.Work(time.Hour)
		s.Answer()
	})
	f.Advance(friday.Add(week))
	want := time.Date(2026, 3, 9, 7, 51, 0, 0, time.UTC)
	if got := f.Truth()[0].Waits()[0].Until; !got.Equal(want) {
		t.Errorf("answered %v, want %v", got, want)
	}
}
