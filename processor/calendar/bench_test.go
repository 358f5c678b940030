package calendar

import (
	"fmt"
	"testing"
)

// fiveYearCalendar has two windows a day and eleven holidays a year, its pages
// worked out.
func fiveYearCalendar(b *testing.B) (c *Calendar, start int64) {
	cfg := Config{Timezone: "Europe/Berlin", Weekly: week(workdays, "09:00-12:00", "13:00-17:00")}
	for year := 2024; year < 2030; year++ {
		for month := 1; month <= 11; month++ {
			cfg.Holidays = append(cfg.Holidays, fmt.Sprintf("%d-%02d-15", year, month))
		}
	}
	c, start = mustCompile(b, cfg), at(b, "2024-01-01T00:00:00Z")
	c.Elapsed(start, start+6*366*msPerDay)
	return c, start
}

// instants are spread over five years, so that no answer repeats in the cache.
func instants(start int64) []int64 {
	list := make([]int64, 1<<12)
	for i := range list {
		list[i] = start + int64(i)*2654435761%(5*365*msPerDay)
	}
	return list
}

var sink int64

func BenchmarkAdd(b *testing.B) {
	c, start := fiveYearCalendar(b)
	from := instants(start)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		sink, _ = c.Add(from[i&(len(from)-1)], 210*msPerMinute)
		i++
	}
}

func BenchmarkElapsed(b *testing.B) {
	c, start := fiveYearCalendar(b)
	from := instants(start)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		sink = c.Elapsed(from[i&(len(from)-1)], from[i&(len(from)-1)]+3*msPerDay)
		i++
	}
}

func BenchmarkElapsedFiveYears(b *testing.B) {
	c, start := fiveYearCalendar(b)
	b.ReportAllocs()
	for b.Loop() {
		sink = c.Elapsed(start+12345, start+5*365*msPerDay)
	}
}

// BenchmarkPage is what the first question about a year costs.
func BenchmarkPage(b *testing.B) {
	c, start := fiveYearCalendar(b)
	b.ReportAllocs()
	for b.Loop() {
		buildPage(c.hours, pageOf(start))
	}
}
