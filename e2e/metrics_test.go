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
	status, body, err := get(p.address() + "/metrics")
	if err != nil || status != 200 {
		p.t.Fatalf("%s: /metrics: %d, %v", p.name, status, err)
	}
	by := make(map[string]int)
	value := regexp.MustCompile(`(?:^|,)` + label + `="([^"]*)"`)
	for _, m := range sample.FindAllStringSubmatch(body, -1) {
		if m[1] != name {
			continue
		}
		n, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			p.t.Fatalf("%s: %v", m[0], err)
		}
		key := ""
		if of := value.FindStringSubmatch(m[2]); of != nil {
			key = of[1]
		}
		by[key] += int(n)
	}
	return by
}

// atLeast tells by how much a metric, summed up, falls short.
func (p *process) atLeast(name string, want int) error {
	p.t.Helper()
	if got := p.metricBy(name, "none")[""]; got < want {
		return fmt.Errorf("%s is %d of %d", name, got, want)
	}
	return nil
}
