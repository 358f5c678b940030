package e2e

import (
	"fmt"
	"regexp"
	"strconv"
)

var sample = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? (\S+)$`)

// metricBy returns a metric's values, summed by one of its labels.
func (p *process) metricBy(name, label string) map[string]int {
	p.t.Helper()
	by := make(map[string]int)
	value := regexp.MustCompile(`(?:^|,)` + label + `="([^"]*)"`)
	p.eachMetric(func(metric, labels string, n float64) {
		if metric != name {
			return
		}
		key := ""
		if of := value.FindStringSubmatch(labels); of != nil {
			key = of[1]
		}
		by[key] += int(n)
	})
	return by
}

// metrics returns the sum of each metric.
func (p *process) metrics() map[string]int {
	p.t.Helper()
	all := make(map[string]int)
	p.eachMetric(func(metric, _ string, n float64) { all[metric] += int(n) })
	return all
}

func (p *process) eachMetric(f func(metric, labels string, n float64)) {
	p.t.Helper()
	status, body, err := get(p.address() + "/metrics")
	if err != nil || status != 200 {
		p.t.Fatalf("%s: /metrics: %d, %v", p.name, status, err)
	}
	for _, m := range sample.FindAllStringSubmatch(body, -1) {
		n, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			p.t.Fatalf("%s: %v", m[0], err)
		}
		f(m[1], m[2], n)
	}
}

// atLeast tells by how much a metric, summed up, falls short.
func (p *process) atLeast(name string, want int) error {
	p.t.Helper()
	if got := p.metricBy(name, "none")[""]; got < want {
		return fmt.Errorf("%s is %d of %d", name, got, want)
	}
	return nil
}
