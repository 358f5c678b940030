package text

import "testing"

func TestSpan(t *testing.T) {
	for seconds, want := range map[int64]string{
		0: "0 seconds", 1: "1 second", 59: "59 seconds", 60: "1 minute", 90: "1.5 minutes", 2700: "45 minutes",
		3600: "1 hour", 4500: "1.25 hours", 6000: "1.67 hours", 12600: "3.5 hours", 14400: "4 hours", 172800: "48 hours",
	} {
		if got := span(seconds); got != want {
			t.Errorf("span(%d) = %q, want %q", seconds, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{{"Größe", 5, "Größe"}, {"Größe", 4, "Grö…"}, {"a b c", 3, "a…"}, {"ab", 0, ""}} {
		if got := Cut(c.s, c.n); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.s, c.n, got, c.want)
		}
	}
}
