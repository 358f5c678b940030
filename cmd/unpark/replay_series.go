package main

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// alertKinds are the kinds in the order in which they are drawn.
var alertKinds = [...]string{"warning", "breach", "action"}

// point is how many alerts of each kind, in the order of alertKinds, fall on one
// day, hour or queue.
type point struct {
	Label  string               `json:"label"`
	Counts [len(alertKinds)]int `json:"counts"`
}

func (p point) total() (n int) {
	for _, c := range p.Counts {
		n += c
	}
	return n
}

// count adds the alerts up by a label of each.
func (s *side) count(label func(alert) string) map[string]point {
	points := make(map[string]point)
	for _, a := range s.alerts {
		p := points[label(a)]
		p.Label = label(a)
		if kind := slices.Index(alertKinds[:], a.Kind); kind >= 0 {
			p.Counts[kind]++
		}
		points[p.Label] = p
	}
	return points
}

// byDay has a point for every day from the first alert of any side to the last.
func byDay(sides []*side) [][]point {
	day := func(s *side) func(alert) string {
		return func(a alert) string { return s.local(a.Org, a.At).Format(time.DateOnly) }
	}
	var counts []map[string]point
	all := make(map[string]bool)
	for _, s := range sides {
		counts = append(counts, s.count(day(s)))
		for label := range counts[len(counts)-1] {
			all[label] = true
		}
	}
	return align(counts, days(slices.Sorted(maps.Keys(all))))
}

// maxDays bounds how long a history is drawn with the days on which nothing was
// told.
const maxDays = 400

// days fills the gaps between dates.
func days(dates []string) []string {
	if len(dates) < 2 {
		return dates
	}
	first, err1 := time.Parse(time.DateOnly, dates[0])
	last, err2 := time.Parse(time.DateOnly, dates[len(dates)-1])
	if err1 != nil || err2 != nil || last.Sub(first) > maxDays*24*time.Hour {
		return dates
	}
	var all []string
	for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
		all = append(all, d.Format(time.DateOnly))
	}
	return all
}

// byHour has a point for every hour of the day.
func byHour(sides []*side) [][]point {
	var labels []string
	for hour := range 24 {
		labels = append(labels, twoDigits(hour))
	}
	var counts []map[string]point
	for _, s := range sides {
		counts = append(counts, s.count(func(a alert) string { return twoDigits(s.local(a.Org, a.At).Hour()) }))
	}
	return align(counts, labels)
}

func twoDigits(n int) string { return string([]byte{'0' + byte(n/10), '0' + byte(n%10)}) }

// maxQueues bounds how many queues are drawn one by one.
const maxQueues = 15

// byQueue has a point for each of the queues with the most alerts, and one for
// all others.
func byQueue(sides []*side) [][]point {
	sum := make(map[string]int)
	for _, s := range sides {
		for label, p := range s.count(queueOf) {
			sum[label] += p.total()
		}
	}
	labels := slices.SortedFunc(maps.Keys(sum), func(a, b string) int {
		return cmp.Or(cmp.Compare(sum[b], sum[a]), cmp.Compare(a, b))
	})
	others := len(labels) > maxQueues
	if others {
		labels = append(labels[:maxQueues:maxQueues], "other queues")
	}
	var counts []map[string]point
	for _, s := range sides {
		counts = append(counts, s.count(func(a alert) string {
			if q := queueOf(a); !others || slices.Contains(labels, q) {
				return q
			}
			return "other queues"
		}))
	}
	return align(counts, labels)
}

func queueOf(a alert) string { return cmp.Or(a.Queue, "no queue") }

// align gives all sides the same labels.
func align(counts []map[string]point, labels []string) [][]point {
	var all [][]point
	for _, points := range counts {
		aligned := make([]point, 0, len(labels))
		for _, label := range labels {
			p := points[label]
			p.Label = label
			aligned = append(aligned, p)
		}
		all = append(all, aligned)
	}
	return all
}
