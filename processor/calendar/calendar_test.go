package calendar

import (
	"testing"
	"time"
)

func at(t testing.TB, s string) int64 {
	t.Helper()
	x, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return x.UnixMilli()
}

func mustCompile(t testing.TB, cfg Config) *Calendar {
	t.Helper()
	c, err := Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func week(days, window string) map[string][]string {
	w := make(map[string][]string)
	for ; len(days) >= 3; days = days[min(4, len(days)):] {
		w[days[:3]] = []string{window}
	}
	return w
}

const (
	workdays = "mon tue wed thu fri"
	allDays  = "mon tue wed thu fri sat sun"
)

func office() Config {
	return Config{Timezone: "Europe/Berlin", Weekly: week(workdays, "09:00-17:00")}
}

func TestAdd(t *testing.T) {
	for _, tc := range []struct {
		name  string
		cfg   Config
		start string
		add   time.Duration
		want  string
	}{
		{"case 6, warning", office(), "2026-02-27T16:45:00+01:00", 3*time.Hour + 30*time.Minute, "2026-03-02T12:15:00+01:00"},
		{"case 6, breach", office(), "2026-02-27T16:45:00+01:00", 4 * time.Hour, "2026-03-02T12:45:00+01:00"},
		{"case 17", Config{Timezone: "Europe/Berlin", Weekly: week(allDays, "00:00-24:00")}, "2026-03-29T01:00:00+01:00", 4 * time.Hour, "2026-03-29T06:00:00+02:00"},
		{"runs out at closing time", office(), "2026-03-02T09:00:00+01:00", 8 * time.Hour, "2026-03-02T17:00:00+01:00"},
		{"a millisecond more", office(), "2026-03-02T09:00:00+01:00", 8*time.Hour + time.Millisecond, "2026-03-03T09:00:00.001+01:00"},
		{"nothing to add, closed", office(), "2026-03-01T09:00:00+01:00", 0, "2026-03-01T09:00:00+01:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := mustCompile(t, tc.cfg).Add(at(t, tc.start), tc.add.Milliseconds())
			if want := at(t, tc.want); !ok || got != want {
				t.Errorf("Add = %v, %v, want %v", time.UnixMilli(got).UTC(), ok, time.UnixMilli(want).UTC())
			}
		})
	}
}
