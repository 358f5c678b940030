package calendar

import (
	"testing"
	"time"
)

func TestParseInstant(t *testing.T) {
	berlin, err := Location("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ text, want string }{
		{"2026-03-06T16:45", "2026-03-06T15:45:00Z"},
		{"2026-07-06T16:45:30", "2026-07-06T14:45:30Z"},
		{"2026-03-06T16:45:00Z", "2026-03-06T16:45:00Z"},
		{"2026-03-06T16:45:00-05:00", "2026-03-06T21:45:00Z"},
		{"2026-03-29T02:30", "2026-03-29T01:30:00Z"}, // does not exist: 03:30
		{"2026-10-25T02:30", "2026-10-25T00:30:00Z"}, // happens twice: the first
		{"Friday", ""},
		{"1969-01-01T00:00:00Z", ""},
	} {
		got, err := ParseInstant(tt.text, berlin)
		if tt.want == "" {
			if err == nil {
				t.Errorf("ParseInstant(%s) = %d, want an error", tt.text, got)
			}
			continue
		}
		if want, _ := time.Parse(time.RFC3339, tt.want); err != nil || got != want.UnixMilli() {
			t.Errorf("ParseInstant(%s) = %s, %v, want %s", tt.text, time.UnixMilli(got).UTC().Format(time.RFC3339), err, tt.want)
		}
	}
}

// TestDay adds up the cells of days with 24, 23 and 25 hours, and of one that has
// no midnight.
func TestDay(t *testing.T) {
	for _, tt := range []struct {
		zone, date string
		hours      int
		missing    int // cells
		double     int
	}{
		{"Europe/Berlin", "2026-03-02", 24, 0, 0},
		{"Europe/Berlin", "2026-03-29", 23, 2, 0},
		{"Europe/Berlin", "2026-10-25", 25, 0, 2},
		{"America/Asuncion", "2023-10-01", 23, 2, 0},
		{"Asia/Kathmandu", "2026-03-02", 24, 0, 0},
	} {
		loc, err := Location(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Compile(Config{Timezone: tt.zone, Weekly: map[string][]string{
			"mon": {"00:00-24:00"}, "sun": {"00:00-12:00", "13:10-14:00"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.ParseInLocation(time.DateOnly+" 15", tt.date+" 12", loc)
		if err != nil {
			t.Fatal(err)
		}
		d := c.Day(at)
		var length, open time.Duration
		missing, double := 0, 0
		for _, cell := range d.Cells {
			length += cell.Length
			open += cell.Open
			switch {
			case cell.Length == 0:
				missing++
			case cell.Length > 30*time.Minute:
				double++
			}
		}
		elapsed := time.Duration(c.Elapsed(d.Start.UnixMilli(), d.End.UnixMilli())) * time.Millisecond
		if length != time.Duration(tt.hours)*time.Hour || d.End.Sub(d.Start) != length || open != elapsed || missing != tt.missing || double != tt.double {
			t.Errorf("%s %s: %s, open %s (elapsed %s), %d cells missing, %d double; want %+v", tt.zone, tt.date, length, open, elapsed, missing, double, tt)
		}
	}
}
