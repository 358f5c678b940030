package calendar

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// reference counts minute by minute. It knows only which wall time each minute
// shows, found by asking for every one of them.
type reference struct {
	from  int64           // minutes since 1970
	open  []bool          // by minute from there
	shows map[int64]int64 // wall minute: the first minute that shows it
	gaps  map[int64]int64 // wall minute that no minute shows: length of its gap
}

func newReference(loc *time.Location, from, to int64) *reference {
	r := &reference{from: from, open: make([]bool, to-from), shows: map[int64]int64{}, gaps: map[int64]int64{}}
	last := int64(0)
	for m := from; m < to; m++ {
		_, offset := time.Unix(m*60, 0).In(loc).Zone()
		wall := m + int64(offset)/60
		if _, twice := r.shows[wall]; !twice {
			r.shows[wall] = m
		}
		if m > from && wall > last+1 {
			for w := last + 1; w < wall; w++ {
				r.gaps[w] = wall - last - 1
			}
		}
		last = wall
	}
	return r
}

func (r *reference) minute(wall int64) int64 {
	if gap, ok := r.gaps[wall]; ok {
		wall += gap
	}
	return r.shows[wall]
}

// set marks the wall minutes [from, to), as far as they are covered.
func (r *reference) set(from, to int64, open bool) {
	a, b := r.minute(from), r.minute(to)
	if a == 0 || b == 0 {
		return
	}
	for m := a; m < b; m++ {
		r.open[m-r.from] = open
	}
}

func (r *reference) elapsed(a, b int64) (n int64) {
	for m := a; m < b; m++ {
		if r.open[m-r.from] {
			n++
		}
	}
	return n
}

func (r *reference) add(t, d int64) (int64, bool) {
	for m := t; m-r.from < int64(len(r.open)); m++ {
		if d == 0 {
			return m, true
		}
		if r.open[m-r.from] {
			d--
		}
	}
	return 0, false
}

// TestEveryZoneAgainstReference looks at the days around every change of offset
// in 2024 to 2027, with hours drawn at random.
func TestEveryZoneAgainstReference(t *testing.T) {
	names, err := os.ReadFile("testdata/zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	zones := strings.Fields(string(names))
	compared := make(map[string]bool)
	for _, name := range zones {
		loc, err := loadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		eras := fmt.Sprint(newWallClock(loc, at(t, "2024-01-01T00:00:00Z"), at(t, "2028-01-01T00:00:00Z")))
		if compared[eras] {
			continue // the same changes under another name
		}
		compared[eras] = true
		seed := fnv.New64a()
		seed.Write([]byte(name))
		rng := rand.New(rand.NewPCG(seed.Sum64(), 1))
		for day := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).In(loc); ; {
			_, change := day.ZoneBounds()
			if change.IsZero() || change.Year() > 2027 {
				break
			}
			compareAround(t, name, loc, change, rng)
			day = change
		}
	}
}

func compareAround(t *testing.T, name string, loc *time.Location, change time.Time, rng *rand.Rand) {
	t.Helper()
	const days, margin = 2, 4 * 24 * 60 // compared on either side, and covered beyond
	middle := change.Unix() / 60
	from, to := middle-days*24*60, middle+days*24*60
	ref := newReference(loc, from-margin, to+margin)
	cfg := Config{Timezone: name, Weekly: map[string][]string{}}
	first := dayOf(ref.from*msPerMinute) + 1
	last := dayOf((to+margin)*msPerMinute) - 1
	for _, day := range weekdays {
		for range rng.IntN(3) {
			a := rng.Int64N(24 * 60)
			b := (a + 1 + rng.Int64N(24*60-1)) % (24 * 60)
			if rng.IntN(4) == 0 { // often on the hours at which offsets change
				a, b = rng.Int64N(4)*60, 4*60+rng.Int64N(21)*60
			}
			cfg.Weekly[day] = append(cfg.Weekly[day], fmt.Sprintf("%02d:%02d-%02d:%02d", a/60, a%60, b/60, b%60))
		}
	}
	cfg.Weekly["mon"] = append(cfg.Weekly["mon"], "22:30-00:30")
	for day := first; day <= last; day++ {
		for _, text := range cfg.Weekly[weekdays[weekday(day)]] {
			w, err := parseWindow(text)
			if err != nil {
				t.Fatal(err)
			}
			ref.set(day*24*60+w.from/msPerMinute, day*24*60+w.to/msPerMinute, true)
		}
	}
	for range rng.IntN(3) {
		day := dayOf(from*msPerMinute) + rng.Int64N(2*days)
		cfg.Holidays = append(cfg.Holidays, dateOf(day).Format(time.DateOnly))
		ref.set(day*24*60, (day+1)*24*60, false)
	}
	c := mustCompile(t, cfg)
	for range 8 {
		a := from + rng.Int64N(to-from)
		b := a + rng.Int64N(to-a)
		want := ref.elapsed(a, b)
		if got := c.Elapsed(a*msPerMinute, b*msPerMinute); got != want*msPerMinute {
			t.Fatalf("%+v: Elapsed(%s, %s) = %d min, want %d", cfg, show(a), show(b), got/msPerMinute, want)
		}
		d := rng.Int64N(1 + want)
		due, _ := ref.add(a, d)
		if got, ok := c.Add(a*msPerMinute, d*msPerMinute); !ok || got != due*msPerMinute {
			t.Fatalf("%+v: Add(%s, %d min) = %s, want %s", cfg, show(a), d, show(got/msPerMinute), show(due))
		}
	}
}

func show(minute int64) string { return time.Unix(minute*60, 0).UTC().Format(time.RFC3339) }
